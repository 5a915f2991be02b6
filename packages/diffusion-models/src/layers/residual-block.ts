import * as tf from '@tensorflow/tfjs-core';
import type { ShapeCollector } from '../shapes';
import type { ModelParameters } from '../types';
import { convolution, pointwiseConvolution } from './convolution';
import { groupNorm } from './group-norm';
import type { GroupNormOptions } from './group-norm';
import { linear } from './linear';
import { parameter } from './parameter';

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
  const { weights } = parameters;
  let hidden = groupNorm(parameters, `${path}.norm1`, x, { ...norm, silu: true });
  hidden = convolution(parameters, `${path}.conv1`, hidden, { bias: false });
  // The convolution's bias and the time go on every pixel alike, so the norm can take them in.
  const bias = tf.reshape<tf.Rank.R2>(parameter(weights, `${path}.conv1.bias`), [1, -1]);
  const offset: tf.Tensor2D =
    time === undefined ? bias : tf.add(linear(parameters, `${path}.time_emb_proj`, time), bias);
  hidden = groupNorm(parameters, `${path}.norm2`, hidden, { ...norm, silu: true, offset });
  if (!(`${path}.conv_shortcut.weight` in weights)) {
    return convolution(parameters, `${path}.conv2`, hidden, { add: x });
  }
  const biases = tf.add(
    parameter(weights, `${path}.conv_shortcut.bias`),
    parameter(weights, `${path}.conv2.bias`),
  );
  const shortcut = pointwiseConvolution(parameters, `${path}.conv_shortcut`, x, { bias: biases });
  return convolution(parameters, `${path}.conv2`, hidden, { bias: false, add: shortcut });
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
