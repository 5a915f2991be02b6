import * as tf from '@tensorflow/tfjs-core';
import { checkGradients } from './check-gradients';
import { reduce } from './reduction';
import type { Reduced, Reducible, Reduction } from './reduction';
import { checkSameShape, shiftDivergence } from './shift-divergence';
import type { Vector } from './vector';

export interface KlToReferenceInput<R extends Reduction = 'mean'> extends Reducible<R> {
  /** μ_θ of the policy, `[rows, …]`, differentiable. */
  readonly mean: tf.Tensor;
  /** μ of the reference (the same network, adapter off) at the same x_t, same shape, constant. */
  readonly referenceMean: tf.Tensor;
  /** σ > 0 shared by both: one for the batch, or one per row, `[rows]`. */
  readonly sigma: number | Vector;
}

/**
 * KL divergence of two Gaussians of equal σ, averaged over dimensions: mean((μ − μ_ref)² / (2σ²)). Like the log-probabilities it
 * is a mean per dimension, so that one weight suits latents of all sizes.
 *
 * @returns the divergence, ≥ 0, of all rows or of each, to be weighted and added to a loss; not finite where a σ in a tensor is
 *   not positive, for to look at a tensor's values would make the caller wait for them
 * @throws Error when the shapes differ; RangeError when a σ given as a number is not positive
 */
export function klToReference<R extends Reduction = 'mean'>({
  mean,
  referenceMean,
  sigma,
  reduction,
}: KlToReferenceInput<R>): Reduced<R> {
  checkGradients();
  checkSameShape('mean', mean, 'referenceMean', referenceMean);
  return tf.tidy(() =>
    reduce(shiftDivergence('mean', tf.sub(mean, referenceMean), sigma), reduction),
  );
}
