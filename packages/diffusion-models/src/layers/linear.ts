import * as tf from '@tensorflow/tfjs-core';
import type { ModelParameters } from '../types';
import { differentiable } from './differentiable';
import { product, weightGradient, type ProductTerms } from './operations/product';
import { parameter } from './parameter';

/**
 * y = x Wᵀ + b + add, without b if the model has none under this path.
 *
 * @param x `[…, in]`
 * @param add of the result's shape
 * @returns `[…, out]`
 */
export function linear(
  parameters: ModelParameters,
  path: string,
  x: tf.Tensor,
  add?: tf.Tensor,
): tf.Tensor {
  const bias = parameters.weights[`${path}.bias`];
  return linearWith(x, effectiveWeight(parameters, path), { bias, add });
}

/**
 * The weight of a linear layer, with the adapter's part if there is one: W + (alpha / rank) · up · down.
 *
 * Adding the adapter to the weight, not to the output, costs a product of two thin matrices instead of
 * passes over every activation, and gives the very bits of a model that was merged beforehand.
 *
 * @returns `[out, in]`
 */
export function effectiveWeight(parameters: ModelParameters, path: string): tf.Tensor2D {
  return adapted(parameters, path, (up, down) => tf.matMul(up, down)) as tf.Tensor2D;
}

/**
 * The same of a convolution. Its `down` is a convolution of the same size and its `up` one of 1×1, as peft has them, so that
 * the kernel's part is a product too: Σ_r down[h, w, i, r] · up[r, o].
 *
 * @returns `[height, width, in, out]`
 */
export function effectiveKernel(parameters: ModelParameters, path: string): tf.Tensor4D {
  return adapted(parameters, path, (up, down, shape) =>
    tf.reshape(tf.matMul(lastAxisColumns(down), lastAxisColumns(up)), shape),
  ) as tf.Tensor4D;
}

function adapted(
  { weights, lora }: ModelParameters,
  path: string,
  product: (up: tf.Tensor, down: tf.Tensor, shape: number[]) => tf.Tensor,
): tf.Tensor {
  const weight = parameter(weights, `${path}.weight`);
  const down = lora?.weights[`${path}.lora.down.weight`];
  if (lora === undefined || down === undefined) return weight;
  const up = parameter(lora.weights, `${path}.lora.up.weight`);
  const scale = lora.config.alpha / lora.config.rank;
  return tf.add(weight, product(scale === 1 ? up : tf.mul(up, scale), down, weight.shape));
}

/** `[…, columns]` → `[rows, columns]` */
function lastAxisColumns(kernel: tf.Tensor): tf.Tensor2D {
  return tf.reshape(kernel, [-1, kernel.shape.at(-1) as number]);
}

/**
 * y = x Wᵀ + b + add for tensors that are at hand.
 *
 * @param x `[…, in]`
 * @param weight `[out, in]`
 * @param terms bias `[out]`, add of the result's shape
 */
export function linearWith(
  x: tf.Tensor,
  weight: tf.Tensor2D,
  { bias, add }: ProductTerms = {},
): tf.Tensor {
  const [outputs, inputs] = weight.shape;
  const toRows = (t: tf.Tensor, width: number) =>
    (t.rank === 2 ? t : tf.reshape(t, [-1, width])) as tf.Tensor2D;
  const like = (t: tf.Tensor, shape: number[]) => (shape.length === 2 ? t : tf.reshape(t, shape));

  return differentiable({ x, weight, bias, add }, () => {
    const value = product(toRows(x, inputs), weight, false, {
      bias,
      add: add && toRows(add, outputs),
    });
    return {
      value: like(value, [...x.shape.slice(0, -1), outputs]),
      saved: [x, weight],
      gradients: (outputGradient, [savedX, savedWeight]) => {
        const dy = toRows(outputGradient, outputs);
        return {
          x: () => like(product(dy, savedWeight as tf.Tensor2D, true), x.shape),
          weight: () => weightGradient(dy, toRows(savedX as tf.Tensor, inputs)),
          bias: () => tf.sum(dy, 0),
          add: () => outputGradient,
        };
      },
    };
  });
}
