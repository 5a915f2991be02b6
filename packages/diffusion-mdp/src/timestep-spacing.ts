/** Timesteps spread over training's (arXiv 2305.08891, table 2), with the rounding of numpy, which diffusers computes them in. */

export const TIMESTEP_SPACINGS = ['leading', 'trailing', 'linspace'] as const;

export type TimestepSpacing = (typeof TIMESTEP_SPACINGS)[number];

/** `steps` timesteps, descending, a whole stride apart and ending at `offset`. */
export function leadingTimesteps(stride: number, steps: number, offset: number): number[] {
  return descending(steps).map((index) => index * stride + offset);
}

/** `steps` timesteps, descending from `trainTimesteps` − 1. For some counts, 61 first, diffusers 0.35 has one more, of −1. */
export function trailingTimesteps(trainTimesteps: number, steps: number): number[] {
  // numpy.arange adds multiples of the difference of its first two values: with 48 steps that decides where halves go.
  const stride = trainTimesteps - trainTimesteps / steps - trainTimesteps;
  return descending(steps).map(
    (index) => roundHalfToEven(trainTimesteps + (steps - 1 - index) * stride) - 1,
  );
}

/** `count` numbers, descending from `last` to 0, not rounded; 0 alone when there is one. */
export function linspaceDown(last: number, count: number): number[] {
  if (count === 1) return [0];
  const stride = last / (count - 1);
  return descending(count).map((index) => (index === count - 1 ? last : index * stride));
}

/** numpy's rounding. */
export function roundHalfToEven(value: number): number {
  const below = Math.floor(value);
  const rest = value - below;
  if (rest === 0.5) return below % 2 === 0 ? below : below + 1;
  return rest < 0.5 ? below : below + 1;
}

function descending(count: number): number[] {
  return Array.from({ length: count }, (_, index) => count - 1 - index);
}
