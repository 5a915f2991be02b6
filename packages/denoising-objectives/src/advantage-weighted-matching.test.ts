import * as tf from '@tensorflow/tfjs-core';
import { advantageWeightedMatching } from './advantage-weighted-matching';

const lossAt = (score: number, oldScore: number, advantage: number, clipRange: number) =>
  advantageWeightedMatching({
    score: tf.tensor1d([score]),
    oldScore: [oldScore],
    advantages: [advantage],
    clipRange,
  }).dataSync()[0]!;

test('a smaller error is a ratio above 1', () => {
  // Errors of .081 and .079: e^.002
  expect(-lossAt(-0.079, -0.081, 1, 1)).toBeCloseTo(1.002002, 6);
});

test.each([
  { advantage: 2, ratio: 0.5, passes: true },
  { advantage: 2, ratio: 1.05, passes: true },
  { advantage: 2, ratio: 1.5, passes: false },
  { advantage: -2, ratio: 0.5, passes: false },
  { advantage: -2, ratio: 0.95, passes: true },
  { advantage: -2, ratio: 1.5, passes: true },
])('gradient at advantage $advantage and ratio $ratio', ({ advantage, ratio, passes }) => {
  const f = (x: tf.Tensor) =>
    advantageWeightedMatching({
      score: x as tf.Tensor1D,
      oldScore: [-0.3],
      advantages: [advantage],
      clipRange: 0.1,
    });
  const at = tf.tensor1d([Math.log(ratio) - 0.3]);
  const slope = tf.grad(f)(at).dataSync()[0]!;
  // d/d score of −A ρ is −A ρ; cut off it is 0.
  if (passes) expect(slope).toBeCloseTo(-advantage * ratio, 5);
  else expect(Math.abs(slope)).toBe(0);
  if (passes) expect(f).toHaveFiniteDifferences(at, 1e-4);
});

test('before the first update the gradient is that of the weighted error', () => {
  const errors = [0.05, 0.2, 0.1];
  const advantages = [1, -2, 0.5];
  const slopes = tf.grad((x) =>
    advantageWeightedMatching({
      score: tf.neg<tf.Tensor1D>(x as tf.Tensor1D),
      oldScore: errors.map((error) => -error),
      advantages,
      clipRange: 1e-4,
    }),
  )(tf.tensor1d(errors));
  expect(slopes).toBeGradient(tf.tensor1d([1 / 3, -2 / 3, 0.5 / 3]), 1e-6);
});

test('a ratio that overflows is finite', () => {
  expect(lossAt(200, 0, -1, 1) / Math.exp(60)).toBeCloseTo(1, 5);
  expect(Math.abs(lossAt(200, 0, 0, 1))).toBe(0);
});

test('what cannot be computed is refused', () => {
  expect(() => lossAt(0, 0, 1, 0)).toThrow(/clipRange.*above 0, got 0/);
  const score = tf.tensor1d([0, 0]);
  expect(() =>
    advantageWeightedMatching({ score, oldScore: [0], advantages: [1, 1], clipRange: 1 }),
  ).toThrow('oldScore [1] and score [2] must have the same shape [rows].');
});
