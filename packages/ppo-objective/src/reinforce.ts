import * as tf from '@tensorflow/tfjs-core';
import { checkGradients } from './check-gradients';
import { checkRows, toVector } from './vector';
import type { Vector } from './vector';

export interface ReinforceInput {
  /** log p_θ, `[rows]`, differentiable. */
  readonly logProb: tf.Tensor1D;
  /** A, `[rows]`, constants. */
  readonly advantages: Vector;
}

/**
 * The score-function estimator (Williams 1992) as a loss: −mean(A · log p_θ). Its gradient is the policy gradient only for
 * samples of the current policy, so take one update per rollout.
 *
 * @returns the loss, to be minimised
 * @throws Error when the shapes differ
 */
export function reinforce({ logProb, advantages }: ReinforceInput): tf.Scalar {
  checkGradients();
  const rows = logProb.shape[0];
  checkRows(rows);
  return tf.tidy(() => tf.neg(tf.mean(tf.mul(toVector('advantages', advantages, rows), logProb))));
}
