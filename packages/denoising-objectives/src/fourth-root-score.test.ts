import * as tf from '@tensorflow/tfjs-core';
import { fourthRootScore } from './fourth-root-score';

const scoreOf = (error: number, noiseLevel: number) =>
  fourthRootScore(tf.tensor1d([error]), noiseLevel).dataSync()[0]!;

test('minus four times t times the fourth root', () => {
  // Less the fourth root of 1e-10, .0031623.
  expect(scoreOf(0.0625, 1)).toBeCloseTo(-4 * (0.5 - 0.0031623), 5);
  expect(scoreOf(0.0625, 0.25)).toBeCloseTo(-0.5 + 0.0031623, 6);
  expect(scoreOf(0, 1)).toBeCloseTo(0, 8);
  const perRow = fourthRootScore(tf.tensor1d([0.0625, 0.0625]), [1, 0.5]).dataSync();
  expect(perRow[0]! / perRow[1]!).toBeCloseTo(2, 6);
});

test('its gradient, finite where there is no error', () => {
  const f = (x: tf.Tensor) => fourthRootScore(x as tf.Tensor1D, [0.5, 0.9]);
  expect(f).toHaveFiniteDifferences(tf.tensor1d([0.8, 1.5]), 2e-4);
  const slope = tf
    .grad(f)(tf.tensor1d([0, 1]))
    .dataSync()[0]!;
  // −t (1e-10)^(−¾)
  expect(slope / (-0.5 * 10 ** 7.5)).toBeCloseTo(1, 5);
});

test('noise levels of another length are refused', () => {
  expect(() => fourthRootScore(tf.tensor1d([1]), [1, 1])).toThrow(
    'noiseLevel [2] and error [1] must have the same shape [rows].',
  );
});
