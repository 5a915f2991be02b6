/** Weights that can be trained: TensorFlow.js's variables. */
import type { StableDiffusion, Weights } from '@loop-diffusion/diffusion-models';
import * as tf from '@tensorflow/tfjs-core';

/**
 * The weights as variables, in their order.
 *
 * @throws TypeError when one is not a variable, as in a model or an adapter that was read from a file
 */
export function trainableVariables(weights: Weights): tf.Variable[] {
  return Object.entries(weights).map(([key, weight]) => {
    if (isVariable(weight)) return weight;
    throw new TypeError(`The weight '${key}' is not a variable and cannot be trained.`);
  });
}

/**
 * The same UNet with variables for weights, which the caller disposes of. They begin with its numbers, of which there is a
 * second copy only from the first change on.
 */
export function trainableUNet({ config, weights }: StableDiffusion['unet']) {
  const variables = Object.entries(weights).map(([key, weight]): [string, tf.Variable] => [
    key,
    tf.variable(weight),
  ]);
  return { config, weights: Object.fromEntries(variables) };
}

function isVariable(tensor: tf.Tensor): tensor is tf.Variable {
  return tensor instanceof tf.Variable;
}
