import { dot } from './factor';
import type { Point } from './latin-hypercube';
import type { Posterior } from './posterior';

/** What is believed of averages of the function over sets of points, all at once. */
export interface Averages {
  /** Per set. */
  readonly means: Float64Array;
  /** Per set. */
  readonly variances: Float64Array;
  /** `[sets, sets]`, taken where first asked for. */
  covariances(): Float64Array[];
  /** The covariances of the function at a point with each average. */
  with(point: Point): Float64Array;
}

/**
 * The posterior of a_s = (1/n_s) Σ_i f(x_si): for m, K of a set's points mean(m) and 1ᵀK1/n², without the matrix K of the
 * posterior being made, for the mean of the covariances is the covariance of the means.
 *
 * @param sets none empty; of one point each they are the function there
 */
export function averagesOf(posterior: Posterior, sets: readonly (readonly Point[])[]): Averages {
  const { covariance } = posterior;
  const withMeasured = sets.map((points) => meanVector(points.map(posterior.withMeasured)));
  const halves = withMeasured.map(posterior.half);
  const between = (a: number, b: number) =>
    meanCovariance(posterior, sets[a]!, sets[b]!) - dot(halves[a]!, halves[b]!);
  return {
    means: Float64Array.from(withMeasured, posterior.meanOf),
    variances: Float64Array.from(sets, (_, index) => Math.max(0, between(index, index))),
    covariances() {
      const rows = sets.map(() => new Float64Array(sets.length));
      for (let a = 0; a < sets.length; a += 1) {
        for (let b = 0; b <= a; b += 1) rows[a]![b] = rows[b]![a] = between(a, b);
      }
      return rows;
    },
    with(point) {
      const half = posterior.half(posterior.withMeasured(point));
      return Float64Array.from(sets, (points, index) => {
        let sum = 0;
        for (const other of points) sum += covariance(point, other);
        return sum / points.length - dot(half, halves[index]!);
      });
    },
  };
}

function meanVector(vectors: readonly Float64Array[]): Float64Array {
  return vectors[0]!.map(
    (_, index) => vectors.reduce((sum, vector) => sum + vector[index]!, 0) / vectors.length,
  );
}

function meanCovariance(
  { covariance }: Posterior,
  first: readonly Point[],
  second: readonly Point[],
): number {
  let sum = 0;
  for (const a of first) for (const b of second) sum += covariance(a, b);
  return sum / (first.length * second.length);
}
