import * as tf from '@tensorflow/tfjs-core';
import type { ModelParameters } from '../types';
import { differentiable } from './differentiable';
import { hasKernel, runKernel } from './operations/kernel';
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
  if (hasKernel('LoopLayerNorm')) return layerNormByKernel(x, weight, bias, epsilon);
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

function layerNormByKernel<T extends tf.Tensor>(
  x: T,
  weight: tf.Tensor1D,
  bias: tf.Tensor1D,
  epsilon: number,
): T {
  const channels = x.shape.at(-1) as number;
  const rows = (t: tf.Tensor): tf.Tensor2D => tf.reshape(t, [-1, channels]);
  return differentiable({ x, weight, bias }, () => {
    const [value] = runKernel('LoopLayerNorm', { x: rows(x), weight, bias }, { epsilon });
    return {
      value: tf.reshape(value as tf.Tensor, x.shape),
      saved: [x, weight],
      gradients: (outputGradient, [savedX, savedWeight]) => {
        const inputs = {
          x: rows(savedX as tf.Tensor),
          weight: savedWeight,
          dy: rows(outputGradient),
        };
        const results = ['x', 'weight', 'bias'] as const;
        // Each by itself: an adapter needs the first alone.
        const gradient = (of: (typeof results)[number]): tf.Tensor => {
          const attributes = { epsilon, wanted: [of] };
          return runKernel('LoopLayerNormGradient', inputs, attributes)[
            results.indexOf(of)
          ] as tf.Tensor;
        };
        return {
          x: () => tf.reshape(gradient('x'), x.shape),
          weight: () => gradient('weight'),
          bias: () => gradient('bias'),
        };
      },
    };
  }) as T;
}

/** Over the last axis, which stays. (`tf.mean` is the same with a copy of its input before.) */
function mean(x: tf.Tensor): tf.Tensor {
  return tf.mul(tf.sum(x, -1, true), 1 / (x.shape.at(-1) as number));
}
