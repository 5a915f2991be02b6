import '@tensorflow/tfjs-backend-cpu';
import '@tensorflow/tfjs-layers'; // registers TensorFlow.js's gradients
import * as tf from '@tensorflow/tfjs-core';

import './gradient-matcher';

const expected = tf.tensor2d([3, -4, 1e-3, 2e-3], [2, 2]);

test('a gradient matches itself and what is as near as asked for', () => {
  expect(expected).toBeGradient(expected, 0);
  expect(tf.mul(expected, 1 + 1e-4)).toBeGradient(expected, 1.1e-4);
  expect(tf.zeros([3])).toBeGradient(tf.zeros([3]), 0);
});

test.each([
  ['a sign', tf.neg(expected), /relative difference 2.00e\+0, cosine -1/],
  ['a sign in a small entry', tf.tensor2d([3, -4, 1e-3, -2e-3], [2, 2]), /8.00e-4, cosine 0.9999/],
  ['a length', tf.mul(expected, 1.01), /1.00e-2, cosine (1|0\.9999)/],
  ['a shape', tf.reshape(expected, [4]), /shape \[4\], expected \[2,2\]/],
  ['a number', tf.mul(expected, NaN), /NaN/],
])('it does not match with %s that is wrong', (_, found, message) => {
  expect(() => expect(found).toBeGradient(expected, 5e-4)).toThrow(message);
});

test('a gradient of nothing is nothing', () => {
  expect(() => expect(expected).toBeGradient(tf.zeros([2, 2]), 1)).toThrow('norm 5');
});

test('finite differences hold a gradient to its function', () => {
  const at = tf.tensor2d([0.5, -1, 2, 0.1], [2, 2]);
  const before = tf.memory().numTensors;
  expect((x: tf.Tensor) => tf.square(x)).toHaveFiniteDifferences(at, 1e-4);
  expect((x: tf.Tensor) => tf.mean(tf.exp(x))).toHaveFiniteDifferences(at, 1e-4);
  // Squares that pass on the slope of a sum.
  const wrong = tf.customGrad((...given) => {
    const x = given[0] as tf.Tensor;
    return { value: tf.square(x), gradFunc: (dy: tf.Tensor) => dy };
  });
  expect(() => expect(wrong).toHaveFiniteDifferences(at, 0.1)).toThrow(/relative difference/);
  expect(tf.memory().numTensors).toBe(before);
});
