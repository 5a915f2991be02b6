import type { LoraAdapter } from '@loop-diffusion/diffusion-models';
import * as tf from '@tensorflow/tfjs-core';

/**
 * The adapter's weights, to be trained.
 *
 * @throws TypeError when one is not a variable, as in an adapter that was read from a file
 */
export function trainableVariables(adapter: LoraAdapter): tf.Variable[] {
  return Object.entries(adapter.weights).map(([key, weight]) => {
    if (isVariable(weight)) return weight;
    throw new TypeError(`The adapter's weight '${key}' is not a variable and cannot be trained.`);
  });
}

function isVariable(tensor: tf.Tensor): tensor is tf.Variable {
  return tensor instanceof tf.Variable;
}
