/** The part of a UNet that depends on the text alone. */
import * as tf from '@tensorflow/tfjs-core';
import { projectContext } from '../layers/attention';
import type { LoraAdapter, ModelParameters, Weights } from '../types';

/** Keys and values of the text, side by side, for every cross-attention by its path: `[batch, tokens, 2 · channels]`. */
export type UNetText = Readonly<Record<string, tf.Tensor3D>>;

/**
 * The part of the UNet that depends on the text alone. Many calls with the same text and the same weights need it once.
 *
 * @param encoderHiddenStates `[batch, tokens, crossAttentionDim]`
 */
export function unetText(
  weights: Weights,
  encoderHiddenStates: tf.Tensor3D,
  lora?: LoraAdapter,
): UNetText {
  const [batch, tokens, channels] = encoderHiddenStates.shape;
  const suffix = '.to_k.weight';
  const paths = Object.keys(weights)
    .filter((key) => key.endsWith(`.attn2${suffix}`))
    .map((key) => key.slice(0, -suffix.length));
  return tf.tidy(() => {
    const rows: tf.Tensor2D = tf.reshape(encoderHiddenStates, [-1, channels]);
    const project = (path: string): tf.Tensor3D =>
      tf.reshape(projectContext({ weights, lora }, path, rows), [batch, tokens, -1]);
    return Object.fromEntries(paths.map((path) => [path, project(path)]));
  });
}

/** Keys and values for a cross-attention's path, `[batch · tokens, 2 · channels]`. */
export function textReader(
  parameters: ModelParameters,
  text: tf.Tensor3D | UNetText,
): (path: string) => tf.Tensor2D {
  const rows = (tensor: tf.Tensor3D): tf.Tensor2D => tf.reshape(tensor, [-1, tensor.shape[2]]);
  if (text instanceof tf.Tensor) return (path) => projectContext(parameters, path, rows(text));
  return (path) => {
    const keysAndValues = text[path];
    if (keysAndValues !== undefined) return rows(keysAndValues);
    throw new Error(
      `The text lacks keys and values for ${path}; make it with this model's weights.`,
    );
  };
}
