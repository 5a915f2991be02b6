import * as tf from '@tensorflow/tfjs-core';

/**
 * A weight that is on the device from the start. TensorFlow.js keeps the numbers in JavaScript until an operation first uses
 * them, so that a model which is loaded whole would be in memory twice.
 */
export function weightTensor(values: Float32Array, shape: readonly number[]): tf.Tensor {
  const weight = tf.tensor(values, [...shape], 'float32');
  tf.reshape(weight, [weight.size]).dispose();
  return weight;
}
