import * as tf from '@tensorflow/tfjs-core';
import type { ShapeCollector } from '../shapes';
import type { ModelParameters } from '../types';
import { convolution, pointwiseConvolution } from './convolution';
import { groupNorm } from './group-norm';
import type { GroupNormOptions } from './group-norm';
import { linear } from './linear';

/**
 * diffusers' `ResnetBlock2D`: norm, SiLU, convolution, plus the time, norm, SiLU, convolution, plus the
 * input.
 *
 * @param x `[batch, height, width, in]`
 * @param time SiLU of the time embedding, `[batch or 1, timeChannels]`; none in an autoencoder
 * @returns `[batch, height, width, out]`
 */
export function residualBlock(
  parameters: ModelParameters,
  path: string,
  x: tf.Tensor4D,
  norm: GroupNormOptions,
  time?: tf.Tensor2D,
): tf.Tensor4D {
  const activated = { ...norm, silu: true };
  let hidden = groupNorm(parameters, `${path}.norm1`, x, activated);
  hidden = convolution(parameters, `${path}.conv1`, hidden);
  if (time !== undefined) {
    const shift = linear(parameters, `${path}.time_emb_proj`, time);
    hidden = tf.add(hidden, tf.reshape(shift, [-1, 1, 1, hidden.shape[3]]));
  }
  hidden = groupNorm(parameters, `${path}.norm2`, hidden, activated);
  hidden = convolution(parameters, `${path}.conv2`, hidden);
  const shortcut =
    `${path}.conv_shortcut.weight` in parameters.weights
      ? pointwiseConvolution(parameters, `${path}.conv_shortcut`, x)
      : x;
  return tf.add(shortcut, hidden);
}

export function residualBlockShapes(
  collect: ShapeCollector,
  path: string,
  inputs: number,
  outputs: number,
  timeChannels?: number,
): void {
  collect.norm(`${path}.norm1`, inputs);
  collect.convolution(`${path}.conv1`, inputs, outputs, 3);
  if (timeChannels !== undefined) collect.linear(`${path}.time_emb_proj`, timeChannels, outputs);
  collect.norm(`${path}.norm2`, outputs);
  collect.convolution(`${path}.conv2`, outputs, outputs, 3);
  if (inputs !== outputs) collect.convolution(`${path}.conv_shortcut`, inputs, outputs, 1);
}
