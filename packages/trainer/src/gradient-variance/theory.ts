/** The variances of gradient estimators that have a closed form: traces of covariances, for images of one prompt. */
import type { ScoreMoments } from './score-moments';

/**
 * tr Var[(r − b) s] for a baseline b that does not depend on the image: E[(r − b)² ‖s‖²] − ‖E[r s]‖². The mean over k images
 * has the k-th part of it. REINFORCE (Williams 1992) has b = 0.
 */
export function baselineVariance(
  { score, rewardScore, squaredRewardScore, gradient }: ScoreMoments,
  baseline: number,
): number {
  return squaredRewardScore - 2 * baseline * rewardScore + baseline ** 2 * score - gradient;
}

/**
 * tr Var of the leave-one-out estimator (Kool et al. 2019; RLOO, arXiv 2402.14740) of k images. It is a U-statistic of order 2,
 *
 * (1/k) Σ_i (r_i − (1/(k−1)) Σ_{j≠i} r_j) s_i = (1/C(k, 2)) Σ_{i<j} h(i, j), h(i, j) = ½ (r_i − r_j)(s_i − s_j),
 *
 * and its projections follow from E[s] = 0. With ρ = r − E r:
 *
 * E[h | i] = ½ (ρ_i s_i + E[r s]), so ζ₁ = ¼ (E[ρ² ‖s‖²] − ‖E[r s]‖²); ζ₂ = tr Var h = ½ (E[ρ² ‖s‖²] + Var[r] E‖s‖²).
 */
export function leaveOneOutVariance(
  { centredScore, varianceScore, gradient }: ScoreMoments,
  k: number,
): number {
  return uStatisticVariance(k, (centredScore - gradient) / 4, (centredScore + varianceScore) / 2);
}

/**
 * Variance of a U-statistic of order 2 (Hoeffding 1948, equation 5.13): 2 / (k (k−1)) · (2 (k−2) ζ₁ + ζ₂).
 *
 * @param k samples, ≥ 2
 * @param first ζ₁, the variance of the kernel's expectation given one of its samples
 * @param second ζ₂, the variance of the kernel
 */
export function uStatisticVariance(k: number, first: number, second: number): number {
  return (2 * (2 * (k - 2) * first + second)) / (k * (k - 1));
}
