import * as tf from '@tensorflow/tfjs-core';
import type { ShapeCollector } from '../shapes';
import type { ModelParameters } from '../types';
import { differentiable } from './differentiable';
import { effectiveWeight, linear, linearWith } from './linear';

export interface AttentionSize {
  readonly batch: number;
  readonly heads: number;
}

/**
 * Multi-head attention of `x` to itself with the four projections of diffusers' `Attention`: `to_q`, `to_k`, `to_v` and
 * `to_out.0` (Vaswani et al. 2017).
 *
 * @param x `[batch · tokens, channels]`
 * @returns `[batch · tokens, channels]`
 */
export function selfAttention(
  parameters: ModelParameters,
  path: string,
  x: tf.Tensor2D,
  size: AttentionSize,
): tf.Tensor2D {
  const query = scaledQuery(parameters, path, size);
  const [key, value] = keyAndValue(parameters, path);
  const attended = attend([project(x, [query, key, value])], size);
  return linear(parameters, `${path}.to_out.0`, attended) as tf.Tensor2D;
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
): tf.Tensor2D {
  const query = scaledQuery(parameters, path, size);
  const attended = attend([project(x, [query]), keysAndValues], size);
  return linear(parameters, `${path}.to_out.0`, attended) as tf.Tensor2D;
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
  return project(context, keyAndValue(parameters, path));
}

function projection(parameters: ModelParameters, path: string): Projection {
  return {
    weight: effectiveWeight(parameters, path),
    bias: parameters.weights[`${path}.bias`] as tf.Tensor1D | undefined,
  };
}

/** 1 / √(head size), put on the queries through their weights: the smallest tensors it can go on. */
function scaledQuery(
  parameters: ModelParameters,
  path: string,
  { heads }: AttentionSize,
): Projection {
  const { weight, bias } = projection(parameters, `${path}.to_q`);
  const scale = Math.sqrt(heads / weight.shape[0]);
  return { weight: tf.mul(weight, scale), bias: bias && tf.mul(bias, scale) };
}

function keyAndValue(parameters: ModelParameters, path: string): [Projection, Projection] {
  return [projection(parameters, `${path}.to_k`), projection(parameters, `${path}.to_v`)];
}

interface Projection {
  readonly weight: tf.Tensor2D;
  readonly bias: tf.Tensor1D | undefined;
}

/** Several projections of the same tokens, side by side, as one product. */
function project(tokens: tf.Tensor2D, projections: readonly Projection[]): tf.Tensor2D {
  const biases = projections.flatMap(({ bias }) => bias ?? []);
  return linearWith(
    tokens,
    concatenate(projections.map(({ weight }) => weight)),
    biases.length === 0 ? undefined : concatenate(biases),
  ) as tf.Tensor2D;
}

function concatenate<T extends tf.Tensor>(parts: readonly T[]): T {
  const [first, ...rest] = parts as [T, ...T[]];
  return rest.length === 0 ? first : tf.concat([first, ...rest], 0);
}

/**
 * softmax(query keyᵀ) value for each head, the queries already scaled.
 *
 * @param packed queries, keys and values, in this order, each of `channels` columns: side by side in one
 *   matrix `[batch · tokens, 3 · channels]`, or the queries by themselves and the other two in
 *   `[batch · contextTokens, 2 · channels]`
 * @returns `[batch · tokens, channels]`
 */
export function attend(packed: readonly tf.Tensor2D[], size: AttentionSize): tf.Tensor2D {
  const columns = packed.reduce((total, { shape }) => total + shape[1], 0);
  const channels = columns / 3;
  const { batch, heads } = size;
  const width = channels / heads;

  // [batch · tokens, parts · channels] ⇄ parts times [1, batch, heads, tokens, width]
  const unpack = (matrix: tf.Tensor2D): tf.Tensor5D[] => {
    const parts = matrix.shape[1] / channels;
    const split = tf.reshape<tf.Rank.R5>(matrix, [batch, -1, parts, heads, width]);
    const ordered = tf.transpose(split, [2, 0, 3, 1, 4]);
    return parts === 1 ? [ordered] : tf.split(ordered, parts, 0);
  };
  const pack = (parts: tf.Tensor5D[]): tf.Tensor2D => {
    const ordered = parts.length === 1 ? (parts[0] as tf.Tensor5D) : tf.concat(parts, 0);
    const split = tf.transpose(ordered, [1, 3, 0, 2, 4]);
    return tf.reshape(split, [-1, parts.length * channels]);
  };

  const inputs = Object.fromEntries(packed.map((matrix, index) => [index, matrix]));
  return differentiable(inputs, () => {
    const [query, key, value] = packed.flatMap(unpack) as [tf.Tensor5D, tf.Tensor5D, tf.Tensor5D];
    const probabilities = tf.softmax(tf.matMul<tf.Tensor5D>(query, key, false, true));
    const output = tf.matMul<tf.Tensor5D>(probabilities, value);
    return {
      value: pack([output]),
      saved: [query, key, value, probabilities, output],
      gradients: (outputGradient, saved) => {
        const [q, k, v, p, o] = saved as [
          tf.Tensor5D,
          tf.Tensor5D,
          tf.Tensor5D,
          tf.Tensor5D,
          tf.Tensor5D,
        ];
        const [gradient] = unpack(outputGradient as tf.Tensor2D) as [tf.Tensor5D];
        // The softmax's gradient is p (dp − Σ p dp), and the sum over the context equals Σ do·o over
        // the width, which is the smaller tensor (Dao et al. 2022, FlashAttention, app. B.2).
        const correction = tf.sum(tf.mul(gradient, o), -1, true);
        const scoreGradient = tf.mul(p, tf.sub(tf.matMul(gradient, v, false, true), correction));
        const parts: (() => tf.Tensor5D)[] = [
          () => tf.matMul(scoreGradient, k),
          () => tf.matMul(scoreGradient, q, true, false),
          () => tf.matMul(p, gradient, true, false),
        ];
        const counts = packed.map(({ shape }) => shape[1] / channels);
        return Object.fromEntries(
          counts.map((count, index) => {
            const start = counts.slice(0, index).reduce((total, n) => total + n, 0);
            return [index, () => pack(parts.slice(start, start + count).map((part) => part()))];
          }),
        );
      },
    };
  }) as tf.Tensor2D;
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
