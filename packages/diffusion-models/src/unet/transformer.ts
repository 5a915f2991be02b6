import * as tf from '@tensorflow/tfjs-core';
import { scaledGeglu } from '../layers/activations';
import { attentionShapes, crossAttention, selfAttention } from '../layers/attention';
import type { AttentionSize } from '../layers/attend';
import { pointwiseConvolution } from '../layers/convolution';
import { groupNorm } from '../layers/group-norm';
import { layerNorm } from '../layers/layer-norm';
import { effectiveWeight, linear, linearWith } from '../layers/linear';
import { parameter } from '../layers/parameter';
import type { ShapeCollector } from '../shapes';
import type { ModelParameters } from '../types';
import type { UNetConfig } from './config';

const LAYER_NORM_EPSILON = 1e-5;

export interface TransformerSize {
  readonly heads: number;
  /** Transformer blocks. */
  readonly layers: number;
}

/**
 * diffusers' `Transformer2DModel`: the pixels as tokens (row by row) through its transformer blocks,
 * plus the input.
 *
 * @param x `[batch, height, width, channels]`
 * @param textOf keys and values of the text for a cross-attention's path, `[batch · textTokens, 2 · channels]`
 * @returns the shape of `x`
 */
export function transformer(
  config: UNetConfig,
  parameters: ModelParameters,
  path: string,
  x: tf.Tensor4D,
  textOf: (path: string) => tf.Tensor2D,
  { heads, layers }: TransformerSize,
): tf.Tensor4D {
  const [batch, , , channels] = x.shape;
  const project = config.useLinearProjection ? linear : pointwiseConvolution;
  // This norm has its own ε, whatever the config says.
  const norm = { groups: config.normGroups, epsilon: 1e-6 };
  const normed = groupNorm(parameters, `${path}.norm`, x, norm);
  const pixels = tf.reshape(normed, [-1, channels]);
  let hidden = project(parameters, `${path}.proj_in`, pixels) as tf.Tensor2D;
  for (let layer = 0; layer < layers; layer++) {
    const block = `${path}.transformer_blocks.${layer}`;
    hidden = transformerBlock(parameters, block, hidden, textOf, { batch, heads });
  }
  return tf.add(x, tf.reshape(project(parameters, `${path}.proj_out`, hidden), x.shape));
}

/**
 * diffusers' `BasicTransformerBlock`: attention to itself, to the text, feed-forward; each of the
 * normed input, and plus the input.
 *
 * @param x `[batch · tokens, channels]`
 * @param textOf as for {@link transformer}
 */
function transformerBlock(
  parameters: ModelParameters,
  path: string,
  x: tf.Tensor2D,
  textOf: (path: string) => tf.Tensor2D,
  size: AttentionSize,
): tf.Tensor2D {
  const norm = (name: string, tokens: tf.Tensor2D): tf.Tensor2D =>
    layerNorm(parameters, `${path}.${name}`, tokens, LAYER_NORM_EPSILON);
  const own = norm('norm1', x);
  let hidden: tf.Tensor2D = tf.add(x, selfAttention(parameters, `${path}.attn1`, own, size));
  const asking = norm('norm2', hidden);
  const toText = `${path}.attn2`;
  hidden = tf.add(hidden, crossAttention(parameters, toText, asking, textOf(toText), size));
  return tf.add(hidden, feedForward(parameters, `${path}.ff`, norm('norm3', hidden)));
}

/** Linear to [value | gate], value · gelu(gate), linear. */
function feedForward(parameters: ModelParameters, path: string, x: tf.Tensor2D): tf.Tensor2D {
  const halves = <T extends tf.Tensor>(t: T, axis: number): T[] =>
    tf.split(tf.mul<T>(t, Math.SQRT1_2), 2, axis);
  const [rows, inputs] = x.shape;
  const wide = `${path}.net.0.proj`;
  let value: tf.Tensor;
  let gate: tf.Tensor;
  // What is cut and scaled is the smaller of the weight and its output.
  if (rows < inputs) {
    [value, gate] = halves(linear(parameters, wide, x), 1) as [tf.Tensor, tf.Tensor];
  } else {
    const bias = parameter(parameters.weights, `${wide}.bias`) as tf.Tensor1D;
    const [valueBias, gateBias] = halves(bias, 0);
    const [valueWeight, gateWeight] = halves(effectiveWeight(parameters, wide), 0);
    value = linearWith(x, valueWeight as tf.Tensor2D, valueBias);
    gate = linearWith(x, gateWeight as tf.Tensor2D, gateBias);
  }
  return linear(parameters, `${path}.net.2`, scaledGeglu(value, gate)) as tf.Tensor2D;
}

export function transformerShapes(
  collect: ShapeCollector,
  config: UNetConfig,
  path: string,
  channels: number,
  layers: number,
): void {
  const project = (name: string): void => {
    if (config.useLinearProjection) collect.linear(`${path}.${name}`, channels, channels);
    else collect.convolution(`${path}.${name}`, channels, channels, 1);
  };
  collect.norm(`${path}.norm`, channels);
  project('proj_in');
  for (let layer = 0; layer < layers; layer++) {
    const block = `${path}.transformer_blocks.${layer}`;
    const context = config.crossAttentionDim;
    collect.norm(`${block}.norm1`, channels);
    attentionShapes(collect, `${block}.attn1`, channels, channels, { bias: false });
    collect.norm(`${block}.norm2`, channels);
    attentionShapes(collect, `${block}.attn2`, channels, context, { bias: false });
    collect.norm(`${block}.norm3`, channels);
    collect.linear(`${block}.ff.net.0.proj`, channels, 8 * channels);
    collect.linear(`${block}.ff.net.2`, 4 * channels, channels);
  }
  project('proj_out');
}
