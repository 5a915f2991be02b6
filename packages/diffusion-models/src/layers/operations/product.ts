/** Products of rows with a layer's weight, and their gradients; without a tape. */
import * as tf from '@tensorflow/tfjs-core';
import { hasKernel, runKernel } from './kernel';

export interface ProductTerms {
  /** `[outputs]` */
  readonly bias?: tf.Tensor | undefined;
  /** The result's shape. */
  readonly add?: tf.Tensor | undefined;
}

/**
 * x · weight + bias + add.
 *
 * @param x `[rows, inputs]`
 * @param weight `[outputs, inputs]`, or `[inputs, outputs]` where `inputsFirst`
 * @returns `[rows, outputs]`
 */
export function product(
  x: tf.Tensor2D,
  weight: tf.Tensor2D,
  inputsFirst: boolean,
  { bias, add }: ProductTerms = {},
): tf.Tensor2D {
  if (hasKernel('LoopLinear')) {
    return runKernel('LoopLinear', { x, weight, bias, add }, { inputsFirst })[0] as tf.Tensor2D;
  }
  let value: tf.Tensor2D = tf.matMul(x, weight, false, !inputsFirst);
  if (bias !== undefined) value = tf.add(value, bias);
  return add === undefined ? value : tf.add(value, add);
}

/**
 * leftᵀ · right: the gradient of a weight, from the gradient of what it made and what it was given.
 *
 * @param left `[rows, outputs]`
 * @param right `[rows, inputs]`
 * @returns `[outputs, inputs]`
 */
export function weightGradient(left: tf.Tensor2D, right: tf.Tensor2D): tf.Tensor2D {
  if (hasKernel('LoopLinearWeightGradient')) {
    return runKernel('LoopLinearWeightGradient', { dy: left, x: right })[0] as tf.Tensor2D;
  }
  return tf.matMul(left, right, true, false);
}
