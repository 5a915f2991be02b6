import * as tf from '@tensorflow/tfjs-core';
import { geglu } from '../layers/activations';
import { attention, attentionShapes } from '../layers/attention';
import { pointwiseConvolution } from '../layers/convolution';
import { groupNorm } from '../layers/group-norm';
import { layerNorm } from '../layers/layer-norm';
import { effectiveWeight, linear, linearWith } from '../layers/linear';
import { parameter } from '../layers/parameter';
import type { ShapeCollector } from '../shapes';
import type { ModelParameters } from '../types';
import type { UNetConfig } from './config';

const LAYER_NORM_EPSILON = 1e-5;

/**
 * diffusers' `Transformer2DModel`: the pixels as tokens (row by row) through one transformer block,
 * plus the input.
 *
 * @param x `[batch, height, width, channels]`
 * @param text `[batch, tokens, textChannels]`
 * @returns the shape of `x`
 */
export function transformer(
  config: UNetConfig,
  parameters: ModelParameters,
  path: string,
  x: tf.Tensor4D,
  text: tf.Tensor3D,
  heads: number,
): tf.Tensor4D {
  const [batch, height, width, channels] = x.shape;
  const project = config.useLinearProjection ? linear : pointwiseConvolution;
  // This norm has its own ε, whatever the config says.
  const norm = { groups: config.normGroups, epsilon: 1e-6 };
  const normed = tf.reshape(groupNorm(parameters, `${path}.norm`, x, norm), [
    batch,
    height * width,
    channels,
  ]);
  let tokens = project(parameters, `${path}.proj_in`, normed) as tf.Tensor3D;
  tokens = transformerBlock(parameters, `${path}.transformer_blocks.0`, tokens, text, heads);
  const projected = project(parameters, `${path}.proj_out`, tokens);
  return tf.add(x, tf.reshape(projected, x.shape));
}

/** diffusers' `BasicTransformerBlock`: attention to itself, to the text, feed-forward; each plus its input. */
export function transformerBlock(
  parameters: ModelParameters,
  path: string,
  tokens: tf.Tensor3D,
  text: tf.Tensor3D,
  heads: number,
): tf.Tensor3D {
  const norm = (name: string, x: tf.Tensor3D) =>
    layerNorm(parameters, `${path}.${name}`, x, LAYER_NORM_EPSILON);
  const own = norm('norm1', tokens);
  let hidden = tf.add(tokens, attention(parameters, `${path}.attn1`, own, own, heads));
  const queries = norm('norm2', hidden as tf.Tensor3D);
  hidden = tf.add(hidden, attention(parameters, `${path}.attn2`, queries, text, heads));
  const normed = norm('norm3', hidden as tf.Tensor3D);
  return tf.add<tf.Tensor3D>(hidden, feedForward(parameters, `${path}.ff`, normed));
}

/** Linear to [value | gate], value · gelu(gate), linear. */
function feedForward(parameters: ModelParameters, path: string, x: tf.Tensor3D): tf.Tensor {
  // The two halves of the weight one by one: slicing them is free, slicing their wide output is not.
  const [valueWeight, gateWeight] = tf.split(effectiveWeight(parameters, `${path}.net.0.proj`), 2);
  const [valueBias, gateBias] = tf.split(
    parameter(parameters.weights, `${path}.net.0.proj.bias`),
    2,
  );
  const value = linearWith(x, valueWeight as tf.Tensor2D, valueBias as tf.Tensor1D);
  const gate = linearWith(x, gateWeight as tf.Tensor2D, gateBias as tf.Tensor1D);
  return linear(parameters, `${path}.net.2`, geglu(value, gate));
}

export function transformerShapes(
  collect: ShapeCollector,
  config: UNetConfig,
  path: string,
  channels: number,
): void {
  const project = (name: string): void => {
    if (config.useLinearProjection) collect.linear(`${path}.${name}`, channels, channels);
    else collect.convolution(`${path}.${name}`, channels, channels, 1);
  };
  const block = `${path}.transformer_blocks.0`;
  collect.norm(`${path}.norm`, channels);
  project('proj_in');
  collect.norm(`${block}.norm1`, channels);
  attentionShapes(collect, `${block}.attn1`, channels, channels, { bias: false });
  collect.norm(`${block}.norm2`, channels);
  attentionShapes(collect, `${block}.attn2`, channels, config.crossAttentionDim, { bias: false });
  collect.norm(`${block}.norm3`, channels);
  collect.linear(`${block}.ff.net.0.proj`, channels, 8 * channels);
  collect.linear(`${block}.ff.net.2`, 4 * channels, channels);
  project('proj_out');
}
