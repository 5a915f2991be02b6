import * as tf from '@tensorflow/tfjs-core';
import type { ModelParameters } from '../types';
import { differentiable } from './differentiable';
import { parameter } from './parameter';

/**
 * Normalises the last axis to mean 0 and variance 1, then scales and shifts (Ba et al. 2016).
 *
 * @param x `[…, channels]`
 */
export function layerNorm<T extends tf.Tensor>(
  parameters: ModelParameters,
  path: string,
  x: T,
  epsilon: number,
): T {
  const weight = parameter(parameters.weights, `${path}.weight`) as tf.Tensor1D;
  const bias = parameter(parameters.weights, `${path}.bias`) as tf.Tensor1D;
  return differentiable({ x, weight, bias }, () => {
    const centred = tf.sub(x, tf.mean(x, -1, true));
    const variance = tf.mean(tf.square(centred), -1, true);
    const reciprocal = tf.rsqrt(tf.add(variance, epsilon));
    const normalised = tf.mul(centred, reciprocal);
    return {
      value: tf.add(tf.mul(normalised, weight), bias),
      saved: [normalised, reciprocal, weight],
      gradients: (outputGradient, saved) => {
        const [n, r, w] = saved as [tf.Tensor, tf.Tensor, tf.Tensor];
        const leading = n.shape.slice(0, -1).map((_, axis) => axis);
        return {
          // with g = ∂L/∂y · w:  r (g − mean(g) − n mean(g n))
          x: () => {
            const g = tf.mul(outputGradient, w);
            const along = tf.mul(n, tf.mean(tf.mul(g, n), -1, true));
            return tf.mul(tf.sub(tf.sub(g, tf.mean(g, -1, true)), along), r);
          },
          weight: () => tf.sum(tf.mul(outputGradient, n), leading),
          bias: () => tf.sum(outputGradient, leading),
        };
      },
    };
  }) as T;
}
