/**
 * Weights with the adapter's part, W + (alpha / rank) · up · down (Hu et al. 2021, "LoRA").
 *
 * Adding the adapter to the weight, not to the output, costs a product of two thin matrices instead of passes over every
 * activation, and gives the very bits of a model that was merged beforehand.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { ModelParameters } from '../types';
import { differentiable } from './differentiable';
import { product, weightGradient } from './operations/product';
import { asFloat32 } from './operations/stored-weight';
import { parameter } from './parameter';

/**
 * Of a linear layer; the weight itself where no adapter changes it.
 *
 * @returns `[out, in]`
 */
export function effectiveWeight(parameters: ModelParameters, path: string): tf.Tensor2D {
  const adapted = adaptedBy(parameters, path);
  if (adapted === undefined) return parameter(parameters.weights, `${path}.weight`) as tf.Tensor2D;
  const { weight, up, down } = adapted;
  return addProduct(weight as tf.Tensor2D, up as tf.Tensor2D, down as tf.Tensor2D);
}

/**
 * Of a convolution. Its `down` is a convolution of the same size and its `up` one of 1×1, as peft has them, so that the
 * kernel's part is a product too: Σ_r down[h, w, i, r] · up[r, o].
 *
 * @returns `[height, width, in, out]`
 */
export function effectiveKernel(parameters: ModelParameters, path: string): tf.Tensor4D {
  const adapted = adaptedBy(parameters, path);
  if (adapted === undefined) return parameter(parameters.weights, `${path}.weight`) as tf.Tensor4D;
  const { weight, up, down } = adapted;
  const sum = addProduct(
    lastAxisColumns(asFloat32(weight)),
    lastAxisColumns(down),
    lastAxisColumns(up),
  );
  return tf.reshape(sum, weight.shape as tf.Tensor4D['shape']);
}

/** The weight under this path and the adapter's factors for it, `up` times alpha / rank; undefined where there are none. */
export function adaptedBy(
  { weights, lora }: ModelParameters,
  path: string,
): { weight: tf.Tensor; up: tf.Tensor; down: tf.Tensor } | undefined {
  const weight = parameter(weights, `${path}.weight`);
  const down = lora?.weights[`${path}.lora.down.weight`];
  if (lora === undefined || down === undefined) return undefined;
  const up = parameter(lora.weights, `${path}.lora.up.weight`);
  const scale = lora.config.alpha / lora.config.rank;
  return { weight, up: scale === 1 ? up : tf.mul(up, scale), down };
}

/** weight + left · right */
function addProduct(weight: tf.Tensor2D, left: tf.Tensor2D, right: tf.Tensor2D): tf.Tensor2D {
  return differentiable({ weight, left, right }, () => ({
    value: product(left, right, true, { add: asFloat32(weight) }),
    saved: [left, right],
    gradients: (gradient, saved) => {
      const [savedLeft, savedRight] = saved as [tf.Tensor2D, tf.Tensor2D];
      const dSum = gradient as tf.Tensor2D;
      return {
        weight: () => dSum,
        left: () => product(dSum, savedRight, false),
        right: () => weightGradient(savedLeft, dSum),
      };
    },
  })) as tf.Tensor2D;
}

/** `[…, columns]` → `[rows, columns]` */
function lastAxisColumns(kernel: tf.Tensor): tf.Tensor2D {
  return tf.reshape(kernel, [-1, kernel.shape.at(-1) as number]);
}
