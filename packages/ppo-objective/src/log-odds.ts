import * as tf from '@tensorflow/tfjs-core';
import { checkGradients } from './check-gradients';

/** As turbo-alignment's DPO trainer has it. */
const SMALLEST_COMPLEMENT = 1e-7;

/**
 * log p − log(1 − min(p, 1 − 1e-7)), the logarithm of p's odds; where p is clamped its slope is 1, so value and slope are finite
 * at p = 1 too.
 *
 * @param logProb log p ≤ 0, `[rows]`, differentiable
 * @returns `[rows]`
 */
export function logOdds(logProb: tf.Tensor1D): tf.Tensor1D {
  checkGradients();
  return tf.tidy(() => {
    // 1 − p = −expm1(log p) keeps the digits that 1 − exp(log p) loses near p = 1.
    const complement = tf.maximum(tf.neg(tf.expm1(logProb)), SMALLEST_COMPLEMENT);
    return tf.sub(logProb, tf.log(complement));
  });
}
