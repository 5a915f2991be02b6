import type { ValueAndGradient } from './marginal-likelihood';

export interface Bounds {
  readonly low: readonly number[];
  readonly high: readonly number[];
}

/** Of logarithms: the last says that a length-scale is known to a thousandth. */
const FIRST_STEP = 0.2;
const LARGEST_STEP = 1;
const SMALLEST_STEP = 1e-3;
const ITERATIONS = 100;

/**
 * Climbs by the signs of the gradient alone, a step length per coordinate (iRprop⁻, Igel and Hüsken 2003; for hyper-parameters
 * of Gaussian processes Blum and Riedmiller 2013). Needs no line search and is not misled by plateaus' small gradients.
 *
 * @returns the best of what was seen on the way
 */
export function climb(
  objective: (at: readonly number[]) => ValueAndGradient,
  start: readonly number[],
  { low, high }: Bounds,
): { readonly at: readonly number[]; readonly value: number } {
  let at: readonly number[] = start;
  let best = { at, value: -Infinity };
  let before: readonly number[] = start.map(() => 0);
  const steps = start.map(() => FIRST_STEP);
  for (let iteration = 0; iteration < ITERATIONS; iteration += 1) {
    const { value, gradient } = objective(at);
    if (value > best.value) best = { at, value };
    // What pushes against a bound is no direction.
    const blocked = gradient.map((slope, index) =>
      slope > 0 ? at[index]! >= high[index]! : at[index]! <= low[index]!,
    );
    const current = gradient.map((slope, index) => {
      if (blocked[index]) return 0;
      const agreement = slope * before[index]!;
      if (agreement > 0) steps[index] = Math.min(LARGEST_STEP, steps[index]! * 1.2);
      if (agreement < 0) steps[index] = steps[index]! * 0.5;
      return agreement < 0 ? 0 : slope;
    });
    if (steps.every((step, index) => blocked[index] || step < SMALLEST_STEP)) break;
    at = at.map((coordinate, index) => {
      const moved = coordinate + Math.sign(current[index]!) * steps[index]!;
      return Math.min(high[index]!, Math.max(low[index]!, moved));
    });
    before = current;
  }
  return best;
}
