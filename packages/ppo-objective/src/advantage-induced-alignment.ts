import * as tf from '@tensorflow/tfjs-core';
import { checkGradients } from './check-gradients';
import { reduce } from './reduction';
import type { Reduced, Reducible, Reduction } from './reduction';
import { checkPositive, checkRows, toVector } from './vector';
import type { Vector } from './vector';

export interface AdvantageInducedAlignmentInput<R extends Reduction = 'mean'> extends Reducible<R> {
  /** log p_θ, `[rows]`, differentiable. */
  readonly logProb: tf.Tensor1D;
  /** log p of the policy to stay near, `[rows]`, constants: the frozen start in the paper, the rollout's for a bounded step. */
  readonly anchorLogProb: Vector;
  /** A, `[rows]`, constants. Rows with A = 0 pull back to the anchor, so they are not to be left out. */
  readonly advantages: Vector;
  /** λ > 0. With log-probabilities averaged over dimensions a row reaches log-ratios of ½ at most: keep A/λ far below. */
  readonly lambda: number;
}

/**
 * Advantage-induced policy alignment (APA, arXiv 2306.02231) as a loss: (λ/2) (Δ − A/λ)² with Δ = log p_θ − log p_anchor.
 * KL-regularised improvement has the solution p ∝ p_anchor exp(A/λ); its normaliser is taken as 1.
 *
 * The factor λ/2 is ours (derived): the slope is −A + λΔ, that of REINFORCE with a pull to the anchor, so learning rates mean
 * what they mean there. The loss is bounded below, and without a clip large advantages count as squares.
 *
 * @returns the loss, to be minimised
 * @throws Error when the shapes differ; RangeError when `lambda` is not positive
 */
export function advantageInducedAlignment<R extends Reduction = 'mean'>({
  logProb,
  anchorLogProb,
  advantages,
  lambda,
  reduction,
}: AdvantageInducedAlignmentInput<R>): Reduced<R> {
  checkGradients();
  checkPositive('lambda', lambda);
  const rows = logProb.shape[0];
  checkRows(rows);
  return tf.tidy(() => {
    const logRatio = tf.sub(logProb, toVector('anchorLogProb', anchorLogProb, rows));
    const goal = tf.div(toVector('advantages', advantages, rows), lambda);
    return reduce(tf.mul(tf.square(tf.sub(logRatio, goal)), lambda / 2), reduction);
  });
}
