/** The standard normal distribution. */

export function normalDensity(z: number): number {
  return Math.exp(-0.5 * z * z) / Math.sqrt(2 * Math.PI);
}

/**
 * Φ(z), with a relative error below 1.2e-7 however small it is, by a Chebyshev fit of erfc (Press et al., Numerical Recipes,
 * section 6.2).
 */
export function normalProbability(z: number): number {
  const half = complementaryError(Math.abs(z) / Math.SQRT2) / 2;
  return z > 0 ? 1 - half : half;
}

/** @param x ≥ 0 */
function complementaryError(x: number): number {
  const t = 1 / (1 + x / 2);
  const series = COEFFICIENTS.reduceRight((sum, coefficient) => coefficient + t * sum, 0);
  return t * Math.exp(-x * x + series);
}

const COEFFICIENTS = [
  -1.26551223, 1.00002368, 0.37409196, 0.09678418, -0.18628806, 0.27886807, -1.13520398, 1.48851587,
  -0.82215223, 0.17087277,
];
