import { covarianceOf } from './covariance';
import type { Point } from './latin-hypercube';
import { posteriorOf } from './posterior';

/** Of a deviation of 1: one failure among successes close by may have been bad luck. */
const NOISE = 0.01;
const LEAST_CHANCE = 1e-3;

/**
 * The chance that a run at a point gives a gain at all: 1 where nothing has failed nearby, little beside failures. A Gaussian
 * process on 1 for success and 0 for failure with prior mean 1, cut off at 1 and 0.001; expected gains are multiplied by it, as by
 * the probability of a constraint (Gardner et al. 2014).
 *
 * @param points of all runs
 * @param failed per run
 */
export function chanceOfSuccess(
  points: readonly Point[],
  failed: readonly boolean[],
  ordered: readonly boolean[],
): (point: Point) => number {
  if (!failed.includes(true)) return () => 1;
  const lengthScales = ordered.map(() => 0.2 * Math.sqrt(ordered.length));
  const posterior = posteriorOf(covarianceOf({ lengthScales, variance: 1 }, ordered), {
    points,
    values: failed.map((isFailed) => (isFailed ? -1 : 0)),
    noise: points.map(() => NOISE),
  });
  return (point) => Math.min(1, Math.max(LEAST_CHANCE, 1 + posterior.at(point).mean));
}
