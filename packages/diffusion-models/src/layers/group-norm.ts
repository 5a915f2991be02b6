import * as tf from '@tensorflow/tfjs-core';
import type { ModelParameters } from '../types';
import { siluGradient } from './activations';
import { differentiable } from './differentiable';
import { parameter } from './parameter';

export interface GroupNormOptions {
  readonly groups: number;
  readonly epsilon: number;
  /** Apply SiLU to the result, as every residual block does. */
  readonly silu?: boolean;
}

/**
 * Normalises each image's groups of neighbouring channels to mean 0 and variance 1, then scales and
 * shifts per channel (Wu & He 2018).
 *
 * Every pass over the image is an operation, so there are few: two reductions over the pixels, and one
 * product and one sum with factors per image and channel. All else happens on `[batch, channels]`.
 *
 * @param x `[batch, height, width, channels]`
 */
export function groupNorm(
  parameters: ModelParameters,
  path: string,
  x: tf.Tensor4D,
  options: GroupNormOptions,
): tf.Tensor4D {
  const weight = parameter(parameters.weights, `${path}.weight`) as tf.Tensor1D;
  const bias = parameter(parameters.weights, `${path}.bias`) as tf.Tensor1D;
  const { groups, epsilon } = options;
  const [batch, height, width, channels] = x.shape;
  const pixels = height * width;
  if (channels % groups !== 0) {
    throw new RangeError(`${path}: ${channels} channels do not divide into ${groups} groups`);
  }

  /** [batch, channels] → its mean over each group, back on every channel of the group */
  const meanOverGroup = (t: tf.Tensor): tf.Tensor => {
    const grouped = tf.reshape(t, [batch, groups, channels / groups]);
    const mean = tf.mean(grouped, 2, true);
    return tf.reshape(tf.add(tf.zerosLike(grouped), mean), [batch, 1, channels]);
  };
  const flat = (t: tf.Tensor): tf.Tensor3D => tf.reshape(t, [batch, pixels, channels]);

  return differentiable({ x, weight, bias }, () => {
    const image = flat(x);
    const channelMean = tf.mean(image, 1, true);
    const mean = meanOverGroup(channelMean);
    // Around the group's own mean: E[x²] − E[x]² would cancel where the mean is large.
    const variance = meanOverGroup(tf.mean(tf.squaredDifference(image, mean), 1, true));
    const reciprocal = tf.rsqrt(tf.add(variance, epsilon));
    const scale = tf.mul(reciprocal, weight);
    const shift = tf.sub(bias, tf.mul(mean, scale));
    const normed = tf.add(tf.mul(image, scale), shift);
    const gate = options.silu === true ? tf.sigmoid(normed) : undefined;
    const value = gate === undefined ? normed : tf.mul(normed, gate);
    return {
      value: tf.reshape(value, x.shape),
      saved: [image, weight, mean, reciprocal, ...(gate === undefined ? [] : [value, gate])],
      gradients: (outputGradient, saved) => {
        const [input, w, m, r, ...activation] = saved as [
          tf.Tensor,
          tf.Tensor,
          tf.Tensor,
          tf.Tensor,
          ...tf.Tensor[],
        ];
        const dy =
          activation.length === 0
            ? flat(outputGradient)
            : siluGradient(flat(outputGradient), activation);
        // Per image and channel, means over the pixels: all that the three gradients need.
        const gradientMean = tf.mean(dy, 1, true);
        const productMean = tf.mean(tf.mul(dy, input), 1, true);
        return {
          // with x̂ = (x − m) r and g = dy·w:  r (g − mean(g) − x̂ mean(g x̂)) = dy·(r w) + x·a + b
          x: () => {
            const meanGradient = meanOverGroup(tf.mul(gradientMean, w));
            const meanProduct = meanOverGroup(tf.mul(productMean, w));
            // mean(g x̂) = r (mean(g x) − m mean(g))
            const slope = tf.mul(tf.sub(meanProduct, tf.mul(m, meanGradient)), tf.square(r));
            const a = tf.neg(tf.mul(slope, r));
            const b = tf.sub(tf.neg(tf.mul(meanGradient, r)), tf.mul(a, m));
            const dx = tf.add(tf.add(tf.mul(dy, tf.mul(r, w)), tf.mul(input, a)), b);
            return tf.reshape(dx, x.shape);
          },
          weight: () =>
            tf.mul(tf.sum(tf.mul(tf.sub(productMean, tf.mul(gradientMean, m)), r), [0, 1]), pixels),
          bias: () => tf.mul(tf.sum(gradientMean, [0, 1]), pixels),
        };
      },
    };
  }) as tf.Tensor4D;
}
