import * as tf from '@tensorflow/tfjs-core';

/** e^60 = 1e26 times an advantage, and sums of that, are numbers of float32; e^89 is infinite, and 0 times that is NaN. */
const LARGEST_LOG_RATIO = 60;

/**
 * ρ = p_θ / p_old = exp(log p_θ − log p_old), with the logarithm clamped to ±60. Beyond that its gradient is 0: a row has left
 * the policy that sampled it so far that nothing can be learnt of it.
 *
 * @param logProb `[rows]`
 * @param oldLogProb `[rows]`
 * @returns `[rows]`, finite where the log-probabilities are
 */
export function policyRatio(logProb: tf.Tensor1D, oldLogProb: tf.Tensor1D): tf.Tensor1D {
  return tf.tidy(() => exponential(tf.sub(logProb, oldLogProb)));
}

/** The ratio of a logarithm `[rows]`, clamped. */
export function exponential(logRatio: tf.Tensor1D): tf.Tensor1D {
  return tf.exp(tf.clipByValue(logRatio, -LARGEST_LOG_RATIO, LARGEST_LOG_RATIO));
}
