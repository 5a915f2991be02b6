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
  const query = scaledQuery(parameters, path, x, size);
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
  const query = scaledQuery(parameters, path, x, size);
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

/** Queries times 1 / √(head size), which goes on the smaller of their weight and themselves. */
function scaledQuery(
  parameters: ModelParameters,
  path: string,
  x: tf.Tensor2D,
  { heads }: AttentionSize,
): Projection {
  const { weight, bias } = projection(parameters, `${path}.to_q`);
  const scale = Math.sqrt(heads / weight.shape[0]);
  if (x.shape[0] < weight.shape[1]) return { weight, bias, scale };
  return { weight: tf.mul(weight, scale), bias: bias && tf.mul(bias, scale) };
}

function keyAndValue(parameters: ModelParameters, path: string): [Projection, Projection] {
  return [projection(parameters, `${path}.to_k`), projection(parameters, `${path}.to_v`)];
}

interface Projection {
  readonly weight: tf.Tensor2D;
  readonly bias: tf.Tensor1D | undefined;
  /** Of the result. */
  readonly scale?: number;
}

/**
 * Several projections of the same tokens, side by side: as one product, unless there are so few tokens that joining the
 * results costs less than joining the weights.
 */
function project(tokens: tf.Tensor2D, projections: readonly Projection[]): tf.Tensor2D {
  const [rows, inputs] = tokens.shape;
  if (rows < inputs) {
    const results = projections.map(({ weight, bias, scale }) => {
      const result = linearWith(tokens, weight, bias) as tf.Tensor2D;
      return scale === undefined ? result : tf.mul<tf.Tensor2D>(result, scale);
    });
    return concatenate(results, 1);
  }
  const biases = projections.flatMap(({ bias }) => bias ?? []);
  return linearWith(
    tokens,
    concatenate(projections.map(({ weight }) => weight)),
    biases.length === 0 ? undefined : concatenate(biases),
  ) as tf.Tensor2D;
}

function concatenate<T extends tf.Tensor>(parts: readonly T[], axis = 0): T {
  const [first, ...rest] = parts as [T, ...T[]];
  return rest.length === 0 ? first : tf.concat([first, ...rest], axis);
}

/**
 * Scores of this many (query, key) pairs are held at once, 64 MB; more are made in several goes and made again for the
 * gradient, so that memory grows with the number of tokens and not with its square.
 */
const SCORES_AT_ONCE = 2 ** 24;

/**
 * softmax(query keyᵀ) value for each head, the queries already scaled.
 *
 * @param packed queries, keys and values, in this order, each of `channels` columns: side by side in one
 *   matrix `[batch · tokens, 3 · channels]`, or the queries by themselves and the other two in
 *   `[batch · contextTokens, 2 · channels]`
 * @returns `[batch · tokens, channels]`
 */
export function attend(
  packed: readonly tf.Tensor2D[],
  size: AttentionSize,
  scoresAtOnce = SCORES_AT_ONCE,
): tf.Tensor2D {
  const columns = packed.reduce((total, { shape }) => total + shape[1], 0);
  const channels = columns / 3;
  const { batch, heads } = size;
  const width = channels / heads;
  const [tokens, contextTokens] = [packed[0], packed.at(-1)].map(
    (matrix) => (matrix as tf.Tensor2D).shape[0] / batch,
  ) as [number, number];
  const scores = batch * heads * tokens * contextTokens;
  const cuts = evenParts(batch * heads, Math.ceil(scores / scoresAtOnce));

  // [batch · tokens, parts · channels] ⇄ parts times [batch · heads, tokens, width]
  const unpack = (matrix: tf.Tensor2D): tf.Tensor3D[] => {
    const parts = matrix.shape[1] / channels;
    const split = tf.reshape<tf.Rank.R5>(matrix, [batch, -1, parts, heads, width]);
    const ordered = tf.reshape<tf.Rank.R3>(tf.transpose(split, [2, 0, 3, 1, 4]), [
      parts * batch * heads,
      -1,
      width,
    ]);
    return cutInto(ordered, new Array<number>(parts).fill(batch * heads));
  };
  const pack = (parts: tf.Tensor3D[]): tf.Tensor2D => {
    const ordered = tf.reshape<tf.Rank.R5>(concatenate(parts), [
      parts.length,
      batch,
      heads,
      -1,
      width,
    ]);
    return tf.reshape(tf.transpose(ordered, [1, 3, 0, 2, 4]), [-1, parts.length * channels]);
  };

  // Everything in goes: [query, key, value] of each.
  const inGoes = (matrices: readonly tf.Tensor3D[]): tf.Tensor3D[][] => {
    const columns = matrices.map((matrix) => cutInto(matrix, cuts));
    return cuts.map((_, go) => columns.map((column) => column[go] as tf.Tensor3D));
  };

  const inputs = Object.fromEntries(packed.map((matrix, index) => [index, matrix]));
  return differentiable(inputs, () => {
    const goes = inGoes(packed.flatMap(unpack)).map((go) => {
      const [query, key, value] = go as [tf.Tensor3D, tf.Tensor3D, tf.Tensor3D];
      const probabilities = tf.softmax(tf.matMul<tf.Tensor3D>(query, key, false, true));
      const output = tf.matMul<tf.Tensor3D>(probabilities, value);
      return { saved: [query, key, value, output], probabilities, output };
    });
    return {
      value: pack([concatenate(goes.map(({ output }) => output))]),
      saved: goes.flatMap(({ saved, probabilities }) =>
        cuts.length === 1 ? [...saved, probabilities] : saved,
      ),
      gradients: (outputGradient, saved) => {
        const outputGradients = cutInto(
          unpack(outputGradient as tf.Tensor2D)[0] as tf.Tensor3D,
          cuts,
        );
        const scored = outputGradients.map((gradient, go) => {
          const width = saved.length / cuts.length;
          const [query, key, value, output, kept] = saved.slice(go * width, (go + 1) * width) as [
            tf.Tensor3D,
            tf.Tensor3D,
            tf.Tensor3D,
            tf.Tensor3D,
            tf.Tensor3D | undefined,
          ];
          const probabilities = kept ?? tf.softmax(tf.matMul<tf.Tensor3D>(query, key, false, true));
          // The softmax's gradient is p (dp − Σ p dp), and the sum over the context equals Σ do·o over
          // the width, which is the smaller tensor (Dao et al. 2022, FlashAttention, app. B.2).
          const correction: tf.Tensor3D = tf.sum(tf.mul(gradient, output), -1, true);
          const centred = tf.sub(tf.matMul<tf.Tensor3D>(gradient, value, false, true), correction);
          const scores = tf.mul<tf.Tensor3D>(probabilities, centred);
          return { gradient, query, key, probabilities, scores };
        });
        const join = (partOf: (go: (typeof scored)[number]) => tf.Tensor3D) => () =>
          concatenate(scored.map(partOf));
        const parts = [
          join(({ scores, key }) => tf.matMul<tf.Tensor3D>(scores, key)),
          join(({ scores, query }) => tf.matMul<tf.Tensor3D>(scores, query, true, false)),
          join(({ probabilities, gradient }) =>
            tf.matMul<tf.Tensor3D>(probabilities, gradient, true, false),
          ),
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

function cutInto<T extends tf.Tensor>(matrix: T, sizes: readonly number[]): T[] {
  return sizes.length === 1 ? [matrix] : tf.split(matrix, [...sizes], 0);
}

/** As equal as whole numbers allow. */
function evenParts(total: number, parts: number): number[] {
  const count = Math.min(total, parts);
  const ends = Array.from({ length: count + 1 }, (_, part) => Math.round((part * total) / count));
  return ends.slice(1).map((end, part) => end - (ends[part] as number));
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
