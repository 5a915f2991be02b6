import * as tf from '@tensorflow/tfjs-core';
import type { ShapeCollector } from '../shapes';
import type { ModelParameters } from '../types';
import { differentiable } from './differentiable';
import { effectiveWeight, linear, linearWith } from './linear';

/**
 * Multi-head attention of `x` to `context` with the four projections of diffusers' `Attention`:
 * `to_q`, `to_k`, `to_v` and `to_out.0` (Vaswani et al. 2017).
 *
 * @param x `[batch, tokens, channels]`
 * @param context `[batch, contextTokens, contextChannels]`; `x` itself for self-attention
 * @returns `[batch, tokens, channels]`
 */
export function attention(
  parameters: ModelParameters,
  path: string,
  x: tf.Tensor3D,
  context: tf.Tensor3D,
  heads: number,
): tf.Tensor3D {
  const weight = effectiveWeight(parameters, `${path}.to_q`);
  // 1 / √(head size), put on the queries through their weights: the smallest tensors it can go on.
  const scale = Math.sqrt(heads / weight.shape[0]);
  const bias = parameters.weights[`${path}.to_q.bias`] as tf.Tensor1D | undefined;
  const query = linearWith(
    x,
    tf.mul(weight, scale),
    bias === undefined ? undefined : tf.mul(bias, scale),
  );
  const key = linear(parameters, `${path}.to_k`, context);
  const value = linear(parameters, `${path}.to_v`, context);
  const attended = attend(
    splitHeads(query, heads),
    splitHeads(key, heads),
    splitHeads(value, heads),
  );
  return linear(parameters, `${path}.to_out.0`, mergeHeads(attended)) as tf.Tensor3D;
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

/**
 * softmax(query keyᵀ) value, the queries already scaled.
 *
 * @param query `[batch, heads, tokens, width]`
 * @param key `[batch, heads, contextTokens, width]`
 * @param value `[batch, heads, contextTokens, width]`
 * @returns `[batch, heads, tokens, width]`
 */
export function attend(query: tf.Tensor4D, key: tf.Tensor4D, value: tf.Tensor4D): tf.Tensor4D {
  return differentiable({ query, key, value }, () => {
    const probabilities = tf.softmax(tf.matMul(query, key, false, true));
    const output = tf.matMul(probabilities, value);
    return {
      value: output,
      saved: [query, key, value, probabilities, output],
      gradients: (outputGradient, saved) => {
        const [q, k, v, p, o] = saved as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor];
        // The softmax's gradient is p (dp − Σ p dp), and the sum over the context equals Σ do·o over
        // the width, which is the smaller tensor (Dao et al. 2022, FlashAttention, app. B.2).
        const correction = tf.sum(tf.mul(outputGradient, o), -1, true);
        const scoreGradient = tf.mul(
          p,
          tf.sub(tf.matMul(outputGradient, v, false, true), correction),
        );
        return {
          query: () => tf.matMul(scoreGradient, k),
          key: () => tf.matMul(scoreGradient, q, true, false),
          value: () => tf.matMul(p, outputGradient, true, false),
        };
      },
    };
  }) as tf.Tensor4D;
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
