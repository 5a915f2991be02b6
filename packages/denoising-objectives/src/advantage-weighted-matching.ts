import * as tf from '@tensorflow/tfjs-core';
import { checkGradients } from './check-gradients';
import { reduce } from './reduction';
import type { Reduced, Reducible, Reduction } from './reduction';
import { checkPositive, rowsOf, toVector } from './rows';
import type { Vector } from './rows';

/** As policyRatio of ppo-objective: e^60 times an advantage is a number of float32, e^89 is not. */
const LARGEST_LOG_RATIO = 60;

export interface AdvantageWeightedMatchingInput<R extends Reduction = 'mean'> extends Reducible<R> {
  /** What stands for log p_θ, `[rows]`, differentiable: a negative `denoisingError`, or `fourthRootScore` of it. */
  readonly score: tf.Tensor1D;
  /** The same of the policy that sampled, at the same t and ε, `[rows]`, constants. */
  readonly oldScore: Vector;
  /** A, `[rows]`, constants. */
  readonly advantages: Vector;
  /** ε > 0: ratios outside 1 ± ε earn nothing more. The code has 1, hardly a clip. */
  readonly clipRange: number;
}

/**
 * Advantage-weighted matching (AWM, arXiv 2509.25050, form from its code) as a loss: PPO's max(−Aρ, −A clip(ρ, 1−ε, 1+ε)) with a
 * denoising error in the place of a likelihood, ρ = exp(score − oldScore), its logarithm clamped to ±60.
 *
 * @returns the loss, to be minimised
 * @throws Error when the shapes differ; RangeError when `clipRange` is not positive or there are no rows
 */
export function advantageWeightedMatching<R extends Reduction = 'mean'>({
  score,
  oldScore,
  advantages,
  clipRange,
  reduction,
}: AdvantageWeightedMatchingInput<R>): Reduced<R> {
  checkGradients();
  checkPositive('clipRange', clipRange);
  const rows = rowsOf('score', score);
  return tf.tidy(() => {
    const advantage = toVector('advantages', advantages, rows, 'score');
    const logRatio = tf.sub(score, toVector('oldScore', oldScore, rows, 'score'));
    const ratio = tf.exp(tf.clipByValue(logRatio, -LARGEST_LOG_RATIO, LARGEST_LOG_RATIO));
    const clippedRatio = tf.clipByValue(ratio, 1 - clipRange, 1 + clipRange);
    // Where both are equal tf.maximum hands the gradient to its first argument, the unclipped one.
    const loss: tf.Tensor1D = tf.neg(tf.mul(advantage, ratio));
    return reduce(tf.maximum(loss, tf.neg(tf.mul(advantage, clippedRatio))), reduction);
  });
}
