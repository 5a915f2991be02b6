import * as tf from '@tensorflow/tfjs-core';
import { checkRows, toVector } from './vector';
import type { Vector } from './vector';

/**
 * The score-function estimator (Williams 1992) as a loss: −mean(A · log p_θ). Its gradient is the policy gradient only for
 * samples of the current policy, so take one update per rollout.
 *
 * @param logProb log p_θ, `[rows]`, differentiable
 * @param advantages A, `[rows]`, constants
 * @returns the loss, to be minimised
 * @throws Error when the shapes differ
 */
export function reinforce({
  logProb,
  advantages,
}: {
  logProb: tf.Tensor1D;
  advantages: Vector;
}): tf.Scalar {
  const rows = logProb.shape[0];
  checkRows(rows);
  return tf.tidy(() => tf.neg(tf.mean(tf.mul(toVector('advantages', advantages, rows), logProb))));
}
