import * as tf from '@tensorflow/tfjs-core';
import { logOdds } from './log-odds';

const oddsOf = (logProb: number) => logOdds(tf.tensor1d([logProb])).dataSync()[0]!;
const slopeAt = (logProb: number) =>
  tf
    .grad((x) => logOdds(x as tf.Tensor1D))(tf.tensor1d([logProb]))
    .dataSync()[0]!;

test('the logarithm of p/(1 − p)', () => {
  expect(oddsOf(Math.log(0.6))).toBeCloseTo(Math.log(1.5), 6);
  expect(oddsOf(Math.log(0.3))).toBeCloseTo(Math.log(3 / 7), 6);
  expect(oddsOf(-200)).toBe(-200);
  // 1/(1 − p)
  expect(slopeAt(Math.log(0.6))).toBeCloseTo(2.5, 5);
  const f = (x: tf.Tensor) => logOdds(x as tf.Tensor1D);
  expect(f).toHaveFiniteDifferences(tf.tensor1d([-0.5, -1.2, -3]), 2e-4);
});

test('near p = 1 all digits are kept, and at p = 1 value and slope are finite', () => {
  // 1 − p = 1e-5 − 5e-11; a float32 p knows it to 6e-8 only.
  expect(oddsOf(-1e-5)).toBeCloseTo(-1e-5 - Math.log(1e-5 - 5e-11), 5);
  expect(oddsOf(0)).toBeCloseTo(-Math.log(1e-7), 5);
  expect(slopeAt(0)).toBe(1);
});
