import * as tf from '@tensorflow/tfjs-core';
import { attentionShapes, crossAttention, selfAttention } from '../layers/attention';
import type { AttentionSize } from '../layers/attend';
import { pointwiseConvolution } from '../layers/convolution';
import { gatedLinear } from '../layers/gated-linear';
import { groupNorm } from '../layers/group-norm';
import { layerNorm } from '../layers/layer-norm';
import { linear } from '../layers/linear';
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
  const project = (name: string, tokens: tf.Tensor2D, add?: tf.Tensor2D): tf.Tensor2D =>
    config.useLinearProjection
      ? (linear(parameters, `${path}.${name}`, tokens, add) as tf.Tensor2D)
      : pointwiseConvolution(parameters, `${path}.${name}`, tokens, { add });
  const rows = (image: tf.Tensor4D): tf.Tensor2D => tf.reshape(image, [-1, channels]);
  // This norm has its own ε, whatever the config says.
  const norm = { groups: config.normGroups, epsilon: 1e-6 };
  let hidden = project('proj_in', rows(groupNorm(parameters, `${path}.norm`, x, norm)));
  for (let layer = 0; layer < layers; layer++) {
    const block = `${path}.transformer_blocks.${layer}`;
    hidden = transformerBlock(parameters, block, hidden, textOf, { batch, heads });
  }
  return tf.reshape(project('proj_out', hidden, rows(x)), x.shape);
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
  const toText = `${path}.attn2`;
  let hidden = selfAttention(parameters, `${path}.attn1`, norm('norm1', x), size, x);
  const asking = norm('norm2', hidden);
  hidden = crossAttention(parameters, toText, asking, textOf(toText), size, hidden);
  const gated = gatedLinear(parameters, `${path}.ff.net.0.proj`, norm('norm3', hidden));
  return linear(parameters, `${path}.ff.net.2`, gated, hidden) as tf.Tensor2D;
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
