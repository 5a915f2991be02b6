import * as tf from '@tensorflow/tfjs-core';
import type { ShapeCollector } from '../shapes';
import type { ModelParameters } from '../types';
import { attend, type AttentionSize } from './attend';
import { linear, linearWith } from './linear';
import { joinWeights, linearWeight, scaleWeight, type LinearWeight } from './linear-weight';

/**
 * Multi-head attention of `x` to itself with the four projections of diffusers' `Attention`: `to_q`, `to_k`, `to_v` and
 * `to_out.0` (Vaswani et al. 2017).
 *
 * @param x `[batch · tokens, channels]`
 * @param add added to the result, of its shape
 * @returns `[batch · tokens, channels]`
 */
export function selfAttention(
  parameters: ModelParameters,
  path: string,
  x: tf.Tensor2D,
  size: AttentionSize,
  add?: tf.Tensor2D,
): tf.Tensor2D {
  observeProjections(parameters, path, x, ['to_q', 'to_k', 'to_v']);
  const query = scaledQuery(parameters, path, size);
  const [key, value] = keyAndValue(parameters, path);
  const attended = attend([project(x, [query, key, value])], size);
  return linear(parameters, `${path}.to_out.0`, attended, add) as tf.Tensor2D;
}

/**
 * The same to something else, whose keys and values are at hand.
 *
 * @param keysAndValues `[batch · contextTokens, 2 · channels]` from {@link projectContext}
 */
export function crossAttention(
  parameters: ModelParameters,
  path: string,
  x: tf.Tensor2D,
  keysAndValues: tf.Tensor2D,
  size: AttentionSize,
  add?: tf.Tensor2D,
): tf.Tensor2D {
  observeProjections(parameters, path, x, ['to_q']);
  const query = scaledQuery(parameters, path, size);
  const attended = attend([project(x, [query]), keysAndValues], size);
  return linear(parameters, `${path}.to_out.0`, attended, add) as tf.Tensor2D;
}

/**
 * Keys and values of what is attended to, side by side.
 *
 * @param context `[batch · contextTokens, contextChannels]`
 * @returns `[batch · contextTokens, 2 · channels]`
 */
export function projectContext(
  parameters: ModelParameters,
  path: string,
  context: tf.Tensor2D,
): tf.Tensor2D {
  observeProjections(parameters, path, context, ['to_k', 'to_v']);
  return project(context, keyAndValue(parameters, path));
}

/** As they are by themselves: what attention computes is scaled, and joined. */
function observeProjections(
  parameters: ModelParameters,
  path: string,
  x: tf.Tensor2D,
  names: readonly string[],
): void {
  if (parameters.observe === undefined) return;
  for (const name of names) linear(parameters, `${path}.${name}`, x);
}

function projection(parameters: ModelParameters, path: string): Projection {
  return {
    layer: linearWeight(parameters, path),
    bias: parameters.weights[`${path}.bias`] as tf.Tensor1D | undefined,
  };
}

/**
 * Queries times 1 / √(head size), which goes on their weight whatever the number of tokens: on the queries themselves it would
 * round otherwise, and images would depend on how many are computed at a time.
 */
function scaledQuery(
  parameters: ModelParameters,
  path: string,
  { heads }: AttentionSize,
): Projection {
  const { layer, bias } = projection(parameters, `${path}.to_q`);
  const [outputs] = layer.weight.shape;
  const scale = Math.sqrt(heads / outputs);
  return { layer: scaleWeight(layer, scale), bias: bias && tf.mul(bias, scale) };
}

function keyAndValue(parameters: ModelParameters, path: string): [Projection, Projection] {
  return [projection(parameters, `${path}.to_k`), projection(parameters, `${path}.to_v`)];
}

interface Projection {
  readonly layer: LinearWeight;
  readonly bias: tf.Tensor1D | undefined;
}

/**
 * Several projections of the same tokens, side by side: as one product, unless there are so few tokens that joining the
 * results costs less than joining the weights.
 */
function project(tokens: tf.Tensor2D, projections: readonly Projection[]): tf.Tensor2D {
  const [rows, inputs] = tokens.shape;
  if (rows < inputs) {
    const results = projections.map(
      ({ layer, bias }) => linearWith(tokens, layer, { bias }) as tf.Tensor2D,
    );
    return concatenate(results, 1);
  }
  const biases = projections.flatMap(({ bias }) => bias ?? []);
  return linearWith(tokens, joinWeights(projections.map(({ layer }) => layer)), {
    bias: biases.length === 0 ? undefined : concatenate(biases),
  }) as tf.Tensor2D;
}

function concatenate<T extends tf.Tensor>(parts: readonly T[], axis = 0): T {
  const [first, ...rest] = parts as [T, ...T[]];
  return rest.length === 0 ? first : tf.concat([first, ...rest], axis);
}

/** `[batch, tokens, channels]` → `[batch, heads, tokens, channels / heads]` */
export function splitHeads(x: tf.Tensor, heads: number): tf.Tensor4D {
  const [batch, tokens, channels] = x.shape as [number, number, number];
  if (heads === 1) return tf.reshape(x, [batch, 1, tokens, channels]);
  return tf.transpose(tf.reshape(x, [batch, tokens, heads, channels / heads]), [0, 2, 1, 3]);
}

/** The inverse of {@link splitHeads}. */
export function mergeHeads(x: tf.Tensor4D): tf.Tensor3D {
  const [batch, heads, tokens, width] = x.shape;
  const ordered = heads === 1 ? x : tf.transpose(x, [0, 2, 1, 3]);
  return tf.reshape(ordered, [batch, tokens, heads * width]);
}

/** @param contextChannels equal to `channels` for self-attention */
export function attentionShapes(
  collect: ShapeCollector,
  path: string,
  channels: number,
  contextChannels: number,
  options: { bias: boolean },
): void {
  collect.linear(`${path}.to_q`, channels, channels, options);
  collect.linear(`${path}.to_k`, contextChannels, channels, options);
  collect.linear(`${path}.to_v`, contextChannels, channels, options);
  collect.linear(`${path}.to_out.0`, channels, channels);
}
