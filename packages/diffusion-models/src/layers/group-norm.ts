import type * as tf from '@tensorflow/tfjs-core';
import type { ModelParameters } from '../types';
import { differentiable } from './differentiable';
import { composedGroupNorm, type GroupNormInputs } from './group-norm-composed';
import { hasKernel, runKernel } from './operations/kernel';
import { parameter } from './parameter';

export interface GroupNormOptions {
  readonly groups: number;
  readonly epsilon: number;
  /** Apply SiLU to the result, as every residual block does. */
  readonly silu?: boolean;
  /** Something to add to every pixel of `x` first, `[batch or 1, channels]`: it costs no pass over the image. */
  readonly offset?: tf.Tensor2D | undefined;
}

/**
 * Normalises each image's groups of neighbouring channels to mean 0 and variance 1, then scales and
 * shifts per channel (Wu & He 2018).
 *
 * @param x `[batch, height, width, channels]`
 */
export function groupNorm(
  parameters: ModelParameters,
  path: string,
  x: tf.Tensor4D,
  { groups, epsilon, silu = false, offset }: GroupNormOptions,
): tf.Tensor4D {
  const channels = x.shape[3];
  if (channels % groups !== 0) {
    throw new RangeError(`${path}: ${channels} channels do not divide into ${groups} groups`);
  }
  const inputs = {
    x,
    weight: parameter(parameters.weights, `${path}.weight`),
    bias: parameter(parameters.weights, `${path}.bias`),
    offset,
  };
  const attributes = { groups, epsilon, silu };
  return hasKernel('LoopGroupNorm')
    ? groupNormByKernel(inputs, attributes)
    : composedGroupNorm(inputs, attributes);
}

function groupNormByKernel(
  inputs: GroupNormInputs,
  attributes: { groups: number; epsilon: number; silu: boolean },
): tf.Tensor4D {
  return differentiable({ ...inputs }, () => {
    const { x, weight, bias, offset } = inputs;
    const [value, statistics] = runKernel('LoopGroupNorm', { ...inputs }, attributes) as [
      tf.Tensor,
      tf.Tensor,
    ];
    return {
      value,
      saved: [statistics, x, weight, bias, ...(offset ? [offset] : [])],
      gradients: (dy, [savedStatistics, savedX, savedWeight, savedBias, savedOffset]) => {
        const [dx, dWeight, dBias, dOffset] = runKernel(
          'LoopGroupNormGradient',
          {
            ...{ x: savedX, weight: savedWeight, bias: savedBias, offset: savedOffset },
            ...{ statistics: savedStatistics, dy },
          },
          attributes,
        ) as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor];
        return { x: () => dx, weight: () => dWeight, bias: () => dBias, offset: () => dOffset };
      },
    };
  }) as tf.Tensor4D;
}
