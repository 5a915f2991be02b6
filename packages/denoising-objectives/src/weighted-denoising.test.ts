import * as tf from '@tensorflow/tfjs-core';
import { denoisingError } from './denoising-error';
import { weightedDenoising } from './weighted-denoising';

const errors = () => tf.tensor1d([0.05, 0.08, 0.1, 0.06]);
// QVPO's weights of the rewards .2, .5, .9, .4, measured against their mean.
const weights = [0, 0, 0.4, 0];

test('the mean over all rows, or over those that were chosen', () => {
  expect(weightedDenoising({ error: errors(), weights }).dataSync()[0]).toBeCloseTo(0.01, 8);
  const best = { error: tf.slice(errors(), 2, 1), weights: [0.4] };
  expect(weightedDenoising(best).dataSync()[0]).toBeCloseTo(0.04, 8);
});

test("QVPO's entropy rows share the denominator", () => {
  const rows = { error: tf.concat1d([tf.tensor1d([0.1]), tf.ones<tf.Rank.R1>([10])]) };
  // .02 of the best weight each
  const shared = [0.4, ...Array.from({ length: 10 }, () => 0.02 * 0.4)];
  expect(weightedDenoising({ ...rows, weights: shared }).dataSync()[0]).toBeCloseTo(0.12 / 11, 7);
});

test('every row attracts by its weight: 2ω/D (ε_θ − ε)', () => {
  const target = tf.tensor2d([1, 2, 3, 4], [2, 2]);
  const f = (x: tf.Tensor) =>
    weightedDenoising({ error: denoisingError(x, target), weights: [3, 0.5], reduction: 'none' });
  const at = tf.tensor2d([2, 2, 2, 2], [2, 2]);
  expect(tf.grad(f)(at)).toBeGradient(tf.tensor2d([3, 0, -0.5, -1], [2, 2]), 1e-6);
  expect(f).toHaveFiniteDifferences(at, 1e-4);
});

test('weights of another length are refused', () => {
  expect(() => weightedDenoising({ error: errors(), weights: [1] })).toThrow(
    'weights [1] and error [4] must have the same shape [rows].',
  );
});
