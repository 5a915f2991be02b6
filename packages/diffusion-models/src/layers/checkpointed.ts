import * as tf from '@tensorflow/tfjs-core';
import { differentiable } from './differentiable';

/**
 * Runs `block` and keeps nothing but its inputs for the gradient, which runs it again (Chen et al. 2016, "Training deep nets
 * with sublinear memory cost"). What else `block` uses is taken as constant
 * and must still be there then.
 *
 * @param inputs the first is the activation that comes from the layer before
 */
export function checkpointed(
  inputs: readonly tf.Tensor[],
  block: (...inputs: tf.Tensor[]) => tf.Tensor,
): tf.Tensor {
  const named = Object.fromEntries(inputs.map((input, index) => [index, input]));
  return differentiable(named, () => ({
    value: block(...inputs),
    saved: inputs,
    gradients: (outputGradient, saved) => {
      // All at once, and now: what a gradient makes besides its result is freed as soon as it is asked for.
      const gradients = gradientsOf(block, saved, outputGradient);
      return Object.fromEntries(gradients.map((gradient, index) => [index, () => gradient]));
    },
  }));
}

function gradientsOf(
  block: (...inputs: tf.Tensor[]) => tf.Tensor,
  [activation, ...rest]: readonly tf.Tensor[],
  outputGradient: tf.Tensor,
): readonly tf.Tensor[] {
  // In a graph nothing runs before its inputs are there: made to wait for the gradient, the second run neither is merged
  // with the first nor begins early. The smaller of a square and 0 is 0, which no optimiser of graphs works out.
  const first = tf.slice(tf.reshape(outputGradient, [-1]), 0, 1);
  const late = tf.add(activation as tf.Tensor, tf.minimum(tf.square(first), 0));
  // tfjs forgets the outer tape when a gradient is taken within a gradient.
  const { state } = tf.engine();
  const { activeTape } = state;
  try {
    return tf.grads(block)([late, ...rest], outputGradient);
  } finally {
    state.activeTape = activeTape;
  }
}
