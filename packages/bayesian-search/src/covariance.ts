import type { Point } from './latin-hypercube';

/** k(a, b), positive semi-definite. */
export type Covariance = (a: Point, b: Point) => number;

/** What the marginal likelihood chooses, of values with mean 0 and variance 1. */
export interface Hyperparameters {
  /** ℓ > 0 per key, in units of the cube: how far one must go along a key for the function to change. */
  readonly lengthScales: readonly number[];
  /** s² > 0, of the function. */
  readonly variance: number;
  /** τ² > 0, of what differs between two runs of the same settings beyond their standard errors. */
  readonly extraNoise: number;
}

/**
 * The Matérn covariance of smoothness 5/2 over its variance (Rasmussen and Williams 2006, equation 4.17):
 * (1 + √5 r + 5r²/3) exp(−√5 r).
 *
 * @param squared r² ≥ 0
 */
export function matern52(squared: number): number {
  const scaled = Math.sqrt(5 * squared);
  return (1 + scaled + (5 / 3) * squared) * Math.exp(-scaled);
}

/**
 * d matern52 / d log ℓ_j over its own part r_j² of r²: (5/3) (1 + √5 r) exp(−√5 r).
 *
 * @param squared r² ≥ 0
 */
export function matern52Slope(squared: number): number {
  const scaled = Math.sqrt(5 * squared);
  return (5 / 3) * (1 + scaled) * Math.exp(-scaled);
}

/**
 * The squared distance of two points along one axis. Values without an order are 1 apart or the same, half the squared distance
 * of their one-hot vectors, so that the covariance stays positive semi-definite.
 */
export function squaredDifference(a: number, b: number, ordered: boolean): number {
  if (ordered) return (a - b) ** 2;
  return a === b ? 0 : 1;
}

/**
 * s² · matern52(Σ_j (a_j − b_j)² / ℓ_j²)
 *
 * @param ordered per axis, see `squaredDifference`
 */
export function covarianceOf(
  { lengthScales, variance }: Pick<Hyperparameters, 'lengthScales' | 'variance'>,
  ordered: readonly boolean[],
): Covariance {
  const precisions = lengthScales.map((length) => 1 / length ** 2);
  return (a, b) => {
    let squared = 0;
    for (let axis = 0; axis < precisions.length; axis += 1) {
      squared += squaredDifference(a[axis]!, b[axis]!, ordered[axis]!) * precisions[axis]!;
    }
    return variance * matern52(squared);
  };
}
