import * as tf from '@tensorflow/tfjs-core';
import { checkGradients } from './check-gradients';
import { reduce } from './reduction';
import type { Reduced, Reducible, Reduction } from './reduction';
import { checkRows, toVector } from './vector';
import type { Vector } from './vector';

export interface LowerBoundObjectiveInput<R extends Reduction = 'mean'> extends Reducible<R> {
  /** log p_θ, `[rows]`, differentiable. */
  readonly logProb: tf.Tensor1D;
  /** log p_old of the same transitions, `[rows]`, constants. */
  readonly oldLogProb: Vector;
  /** R ≥ 0, `[rows]`, constants: below 0 the bound turns round and the loss has no minimum. */
  readonly rewards: Vector;
}

/**
 * Iterative lower-bound optimisation (ILBO, arXiv 2203.12679) as a loss: −R (log p_θ − log p_old). For R ≥ 0, u ≥ 1 + ln u gives
 * E_old[R p_θ/p_old] ≥ E_old[R (1 + log p_θ − log p_old)], equal in value and slope where p_θ = p_old; the loss is the part of
 * the bound that depends on θ.
 *
 * The first update is that of REINFORCE. Later ones are not weighted by ratios: the loss is convex in the policy's mean and
 * bounded, so samples can be used again. With log-probabilities averaged over D dimensions it is the bound's term divided by D.
 *
 * @returns the loss, to be minimised
 * @throws Error when the shapes differ
 */
export function lowerBoundObjective<R extends Reduction = 'mean'>({
  logProb,
  oldLogProb,
  rewards,
  reduction,
}: LowerBoundObjectiveInput<R>): Reduced<R> {
  checkGradients();
  const rows = logProb.shape[0];
  checkRows(rows);
  return tf.tidy(() => {
    const logRatio: tf.Tensor1D = tf.sub(logProb, toVector('oldLogProb', oldLogProb, rows));
    return reduce(tf.neg(tf.mul(toVector('rewards', rewards, rows), logRatio)), reduction);
  });
}
