/** How large a part of the layers clients share (FedPepTAO, arXiv 2310.15080). */
import type { Spectrum } from './lanczos-spectrum';

export interface SettledShareOptions {
  /** By which the threshold grows. */
  readonly increment?: number | undefined;
  /** By which shares that follow each other may differ. */
  readonly tolerance?: number | undefined;
}

/** That must agree. */
const SHARES_IN_A_ROW = 4;
/** Below this part of the first increment the density has no shares in between. */
const SMALLEST_PART = 2 ** -20;

/**
 * The share of a Hessian's spectrum above a threshold, once it changes little as the threshold grows: from 0 in equal increments
 * until four successive shares differ by less than the tolerance. A first step that loses more than half of the first share was
 * too long, and it begins again with half the increment (`get_ratio.py` of the paper's code). This part of the layers is shared.
 *
 * @returns in [0, 1]
 */
export function settledShare(
  { values, shares }: Spectrum,
  { increment = 0.1, tolerance = 0.005 }: SettledShareOptions = {},
): number {
  const above = (threshold: number) =>
    values.reduce((sum, value, index) => sum + (value > threshold ? shares[index]! : 0), 0);
  for (let step = increment; step > SMALLEST_PART * increment; step /= 2) {
    const found = [above(0)];
    if (above(step) < found[0]! / 2) continue;
    for (;;) {
      found.push(above(found.length * step));
      const last = found.slice(-SHARES_IN_A_ROW);
      if (found.length >= SHARES_IN_A_ROW && Math.max(...last) - Math.min(...last) < tolerance) {
        return Math.min(1, found.at(-1)!);
      }
      if (found.at(-1)! < found[0]! / 2) break;
    }
  }
  return Math.min(1, above(0));
}
