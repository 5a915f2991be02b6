import * as tf from '@tensorflow/tfjs-core';
import type { ModelParameters } from '../types';
import { differentiable } from './differentiable';
import { linearWeight, type LinearWeight } from './linear-weight';
import { observe } from './observe';
import { product, weightGradient, type ProductTerms } from './operations/product';
import { asFloat32 } from './operations/stored-weight';

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
  const result = linearWith(x, linearWeight(parameters, path), { bias, add });
  observe(parameters, path, () => (add === undefined ? result : tf.sub(result, add)));
  return result;
}

/**
 * y = x Wᵀ + b + add for tensors that are at hand.
 *
 * @param x `[…, in]`
 * @param terms bias `[out]`, add of the result's shape
 */
export function linearWith(
  x: tf.Tensor,
  { weight, factors }: LinearWeight,
  { bias, add }: ProductTerms = {},
): tf.Tensor {
  const [outputs, inputs] = weight.shape;
  const toRows = (t: tf.Tensor, width: number) =>
    (t.rank === 2 ? t : tf.reshape(t, [-1, width])) as tf.Tensor2D;
  const like = (t: tf.Tensor, shape: number[]) => (shape.length === 2 ? t : tf.reshape(t, shape));

  const { up, down } = factors ?? {};
  return differentiable({ x, weight, bias, add, up, down }, () => {
    const value = product(toRows(x, inputs), asFloat32(weight), false, {
      bias,
      add: add && toRows(add, outputs),
    });
    return {
      value: like(value, [...x.shape.slice(0, -1), outputs]),
      saved: [x, weight, ...(factors ? [factors.up, factors.down] : [])],
      gradients: (outputGradient, saved) => {
        const [savedX, savedWeight, savedUp, savedDown] = saved as Saved;
        const [dy, rows] = [toRows(outputGradient, outputs), toRows(savedX, inputs)];
        return {
          x: () => like(product(dy, asFloat32(savedWeight), true), x.shape),
          weight: () => weightGradient(dy, rows),
          up: () => weightGradient(dy, product(rows, savedDown, false)),
          down: () => weightGradient(product(dy, savedUp, true), rows),
          bias: () => tf.sum(dy, 0),
          add: () => outputGradient,
        };
      },
    };
  });
}

/** The factors only where the weight has some. */
type Saved = [x: tf.Tensor, weight: tf.Tensor2D, up: tf.Tensor2D, down: tf.Tensor2D];
