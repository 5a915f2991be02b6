import * as tf from '@tensorflow/tfjs-core';
import { checkGradients } from './check-gradients';
import { reduce } from './reduction';
import type { Reduced, Reducible, Reduction } from './reduction';
import { rowsOf, toVector } from './rows';
import type { Vector } from './rows';

export interface WeightedDenoisingInput<R extends Reduction = 'mean'> extends Reducible<R> {
  /** ℓ, `[rows]`, differentiable. */
  readonly error: tf.Tensor1D;
  /** w ≥ 0, `[rows]`, constants: below 0 the loss has no minimum. */
  readonly weights: Vector;
}

/**
 * Weighted denoising as a loss: w ℓ. The weights make the method: QVPO (arXiv 2405.16173) the positive part of advantages,
 * reward-weighted regression a softmax of rewards, supervised fine-tuning 1 at the best samples and 0 elsewhere. Every row
 * attracts by its weight, none repels.
 *
 * @returns the loss, to be minimised; a mean is over all rows, those of weight 0 included
 * @throws Error when the shapes differ; RangeError when there are no rows
 */
export function weightedDenoising<R extends Reduction = 'mean'>({
  error,
  weights,
  reduction,
}: WeightedDenoisingInput<R>): Reduced<R> {
  checkGradients();
  const rows = rowsOf('error', error);
  return tf.tidy(() =>
    reduce(tf.mul(toVector('weights', weights, rows, 'error'), error), reduction),
  );
}
