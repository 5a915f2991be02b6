import { averagesOf } from './averages';
import { dot, factorOf } from './factor';
import type { Point } from './latin-hypercube';
import type { Posterior } from './posterior';

/**
 * How much a run is expected to tell of averages of the function (Bayesian algorithm execution, arXiv 2206.05447 and 2104.09460):
 *
 * EIG(x) = H[y_x | D] − H[y_x | D, a] = ½ ln(v / (v − cᵀ(C + N)⁻¹c)),
 *
 * v the variance of y_x with its noise, c the covariances of f(x) with the averages a, C theirs, N the noise that their points would
 * have. A Gaussian's entropy depends on no value, so that no path has to be drawn. The noise is in both terms: without it the
 * second diverges wherever a is the function itself.
 *
 * @param sets of points, see `averagesOf`: of one point each they are a path, of a line each a curve
 * @param noise variance of the noise of a run, > 0
 * @returns in nats, ≥ 0
 */
export function informationGain(
  posterior: Posterior,
  sets: readonly (readonly Point[])[],
  noise: number,
): (point: Point) => number {
  const averages = averagesOf(posterior, sets);
  const covariances = averages.covariances();
  sets.forEach(({ length }, index) => (covariances[index]![index]! += noise / length));
  const factor = factorOf(covariances);
  return (point) => {
    const before = posterior.at(point).variance + noise;
    const half = factor.half(averages.with(point));
    // What is known at most leaves the noise of a run; rounding could leave less.
    const after = Math.max(before - dot(half, half), Number.EPSILON * before);
    return Math.max(0, 0.5 * Math.log(before / after));
  };
}
