/** Own layers against the same function made of TensorFlow.js's differentiable operations. */
import * as tf from '@tensorflow/tfjs-core';
import { relativeDifference, seededRandom } from './tensors';

/** Sums over a few hundred float32 products differ by their order: some 1e-6 of the whole. */
const ROUNDING = 5e-6;

const random = seededRandom(7);

/** Standard normal numbers, others at each call. */
export function normal(...shape: number[]): tf.Tensor {
  return tf.tensor(random.normal(shape.reduce((size, length) => size * length, 1)), shape);
}

/** The value and all gradients of `ours` equal those of `plain`. */
export function expectEqual(
  ours: (...inputs: tf.Tensor[]) => tf.Tensor,
  plain: (...inputs: tf.Tensor[]) => tf.Tensor,
  inputs: tf.Tensor[],
): void {
  const expected = plain(...inputs);
  const outputGradient = normal(...expected.shape);
  expect(relativeDifference(ours(...inputs), expected)).toBeLessThan(ROUNDING);
  const loss = (f: typeof ours) => tf.grads((...x) => tf.sum(tf.mul(f(...x), outputGradient)));
  const expectedGradients = loss(plain)(inputs);
  loss(ours)(inputs).forEach((gradient, index) => {
    expect(gradient).toBeGradient(expectedGradients[index]!, ROUNDING);
  });
}
