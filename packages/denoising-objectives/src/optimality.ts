import { checkPositive } from './rows';

/**
 * DiffusionNFT's probability of being a good sample (arXiv 2509.16117, form from its code): r = clip(A/(2·limit) + ½, 0, 1).
 *
 * @param advantages A, `[rows]`
 * @param limit advantages are clamped to ± this, > 0; 5 in the code
 * @returns r, `[rows]`, in [0, 1]
 * @throws RangeError when `limit` is not positive
 */
export function optimality(advantages: Float32Array | readonly number[], limit: number): number[] {
  checkPositive('limit', limit);
  return Array.from(advantages, (advantage) =>
    Math.min(Math.max(advantage / (2 * limit) + 0.5, 0), 1),
  );
}
