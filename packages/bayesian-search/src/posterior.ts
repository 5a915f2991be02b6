import type { Covariance } from './covariance';
import { dot, factorOf } from './factor';
import type { Point } from './latin-hypercube';

/** A Gaussian process with mean 0, given what was measured (Rasmussen and Williams 2006, equations 2.25 and 2.26). */
export interface Posterior {
  /** Before the measurements. */
  readonly covariance: Covariance;
  /** Of the function, without the noise of a measurement. */
  readonly at: (point: Point) => Belief;
  /** L⁻¹k for the covariances k of something with the measurements: posterior covariances are prior ones less their products. */
  readonly half: (covariances: ArrayLike<number>) => Float64Array;
  /** k(measured, point), per measurement. */
  readonly withMeasured: (point: Point) => Float64Array;
  /** kᵀK⁻¹y for the covariances k of something with the measurements. */
  readonly meanOf: (covariances: ArrayLike<number>) => number;
}

export interface Belief {
  readonly mean: number;
  readonly variance: number;
}

export interface Measurements {
  readonly points: readonly Point[];
  readonly values: readonly number[];
  /** The variance of each value's noise. */
  readonly noise: readonly number[];
}

export function posteriorOf(
  covariance: Covariance,
  { points, values, noise }: Measurements,
): Posterior {
  const factor = factorOf(
    points.map((a, row) =>
      points.map((b, column) => covariance(a, b) + (row === column ? noise[row]! : 0)),
    ),
  );
  const weights = factor.solve(values);
  const withMeasured = (point: Point) =>
    Float64Array.from(points, (measured) => covariance(measured, point));
  return {
    covariance,
    withMeasured,
    half: factor.half,
    meanOf: (covariances) => dot(covariances, weights),
    at(point) {
      const covariances = withMeasured(point);
      const half = factor.half(covariances);
      return {
        mean: dot(covariances, weights),
        // Rounding can leave a little less than nothing on top of a measurement without noise.
        variance: Math.max(0, covariance(point, point) - dot(half, half)),
      };
    },
  };
}
