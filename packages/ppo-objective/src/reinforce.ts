import * as tf from '@tensorflow/tfjs-core';
import { checkGradients } from './check-gradients';
import { reduce } from './reduction';
import type { Reduced, Reducible, Reduction } from './reduction';
import { checkRows, toVector } from './vector';
import type { Vector } from './vector';

export interface ReinforceInput<R extends Reduction = 'mean'> extends Reducible<R> {
  /** log p_θ, `[rows]`, differentiable. */
  readonly logProb: tf.Tensor1D;
  /** A, `[rows]`, constants. */
  readonly advantages: Vector;
}

/**
 * The score-function estimator (Williams 1992) as a loss: −A · log p_θ. The gradient of its mean is the policy gradient only
 * for samples of the current policy, so take one update per rollout.
 *
 * @returns the loss, to be minimised
 * @throws Error when the shapes differ
 */
export function reinforce<R extends Reduction = 'mean'>({
  logProb,
  advantages,
  reduction,
}: ReinforceInput<R>): Reduced<R> {
  checkGradients();
  const rows = logProb.shape[0];
  checkRows(rows);
  return tf.tidy(() =>
    reduce(tf.neg(tf.mul(toVector('advantages', advantages, rows), logProb)), reduction),
  );
}
