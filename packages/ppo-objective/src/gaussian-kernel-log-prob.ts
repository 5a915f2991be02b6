import * as tf from '@tensorflow/tfjs-core';
import { checkGradients } from './check-gradients';
import { checkSameShape, shiftDivergence } from './shift-divergence';
import type { Vector } from './vector';

export interface GaussianKernelLogProbInput {
  /** x_{t−1}, `[rows, …]`. */
  readonly value: tf.Tensor;
  /** μ_θ, same shape, differentiable. */
  readonly mean: tf.Tensor;
  /** σ > 0: one for all rows, or one per row, `[rows]`. */
  readonly sigma: number | Vector;
}

/**
 * A Gaussian's density over its largest value, as a logarithm averaged over dimensions: −½ mean((x − μ)²/σ²). Unlike a density
 * it is a probability's size, p = exp(this) ∈ (0, 1], so that 1 − p means something; on policy p is about e^{−½} = 0.607.
 * A translation of ours (derived) for objectives made for tokens.
 *
 * @returns `[rows]`, ≤ 0; not finite where a σ in a tensor is not positive
 * @throws Error when the shapes differ; RangeError when a σ given as a number is not positive
 */
export function gaussianKernelLogProb({
  value,
  mean,
  sigma,
}: GaussianKernelLogProbInput): tf.Tensor1D {
  checkGradients();
  checkSameShape('value', value, 'mean', mean);
  return tf.tidy(() => tf.neg(shiftDivergence('value', tf.sub(value, mean), sigma)));
}
