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
    const centred = tf.sub(x, mean(x));
    const variance = mean(tf.square(centred));
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
            const along = tf.mul(n, mean(tf.mul(g, n)));
            return tf.mul(tf.sub(tf.sub(g, mean(g)), along), r);
          },
          weight: () => tf.sum(tf.mul(outputGradient, n), leading),
          bias: () => tf.sum(outputGradient, leading),
        };
      },
    };
  }) as T;
}

/** Over the last axis, which stays. (`tf.mean` is the same with a copy of its input before.) */
function mean(x: tf.Tensor): tf.Tensor {
  return tf.mul(tf.sum(x, -1, true), 1 / (x.shape.at(-1) as number));
}
