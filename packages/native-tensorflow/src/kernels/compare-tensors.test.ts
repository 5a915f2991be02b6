import * as tf from '@tensorflow/tfjs-core';
import { relativeError } from './compare-tensors';

it.each<[string, number[], number[], number]>([
  ['equal numbers', [1, -4], [1, -4], 0],
  ['zeros', [0, 0], [0, 0], 0],
  ['the largest difference by the largest number', [1, 5], [1, 4], 0.25],
  ['something where nothing should be', [1], [0], Infinity],
  ['no number', [Number.NaN, 0], [0, 0], Infinity],
  ['another shape', [1, 2], [1, 2, 3], Infinity],
])('%s', (_, actual, expected, error) => {
  expect(relativeError(tf.tensor1d(actual), tf.tensor1d(expected))).toBe(error);
});
