import * as tf from '@tensorflow/tfjs-core';
import { optimality } from './optimality';

test('advantages within ± the limit become probabilities', () => {
  const values = optimality([5, 0, -5, 2.5, 50, -50], 5).dataSync();
  expect([...values]).toEqual([1, 0.5, 0, 0.75, 1, 0]);
  expect([...optimality(tf.tensor1d([1, -0.5]), 1).dataSync()]).toEqual([1, 0.25]);
  expect(() => optimality([1], 0)).toThrow(/limit.*above 0, got 0/);
});
