import * as tf from '@tensorflow/tfjs-core';
import { checkGradients } from './check-gradients';
import { checkSameShape, meanOfRows, rowsOf } from './rows';

/**
 * The denoising error ℓ (arXiv 2006.11239, eq. 14): the mean square per row of what a network makes of
 * x_t = √ᾱ_t x_0 + √(1−ᾱ_t) ε against what it ought to, ε or v. Where errors are compared (pairs, a policy and its reference)
 * both sides need the same t and ε.
 *
 * @param prediction the network's output, `[rows, …]`, differentiable
 * @param target same shape, constant
 * @returns `[rows]`, ≥ 0
 * @throws Error when the shapes differ; RangeError when there are no rows
 */
export function denoisingError(prediction: tf.Tensor, target: tf.Tensor): tf.Tensor1D {
  checkGradients();
  checkSameShape('prediction', prediction, 'target', target);
  const rows = rowsOf('prediction', prediction);
  return tf.tidy(() => meanOfRows(tf.square(tf.sub(prediction, target)), rows));
}
