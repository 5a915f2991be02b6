import * as tf from '@tensorflow/tfjs-core';
import { clippedSurrogate } from './clipped-surrogate';
import { lowerBoundObjective } from './lower-bound-objective';

// The policy N(μ, 1), whose samples were drawn at μ = 0.
const samples = [-1, 0, 2];
const rewards = [0.2, 0.5, 1];
const meanReward = 1.7 / 3;
const logProbOf = (mean: tf.Tensor, drawn = samples) =>
  tf.mul<tf.Tensor1D>(tf.square(tf.sub(tf.tensor1d(drawn), mean)), -0.5);
const oldLogProb = samples.map((sample) => -0.5 * sample ** 2);
const loss = (mean: tf.Tensor, given = rewards) =>
  lowerBoundObjective({ logProb: logProbOf(mean), oldLogProb, rewards: given });
/** mean R (1 + log p_θ − log p_old), the bound itself. */
const boundAt = (mean: number) => meanReward - loss(tf.tensor1d([mean])).dataSync()[0]!;
const importanceSampled = (mean: tf.Tensor) =>
  clippedSurrogate({ logProb: logProbOf(mean), oldLogProb, advantages: rewards, clipRange: 1e6 });

test('the bound touches what it bounds, in value and slope', () => {
  const start = tf.tensor1d([0]);
  expect(boundAt(0)).toBeCloseTo(0.566667, 6);
  expect(tf.grad((mean) => loss(mean))(start)).toBeGradient(tf.tensor1d([-0.6]), 1e-6);
  expect(tf.grad(importanceSampled)(start)).toBeGradient(tf.tensor1d([-0.6]), 1e-6);
});

test('the bound is largest at the mean weighted by rewards, below what it bounds', () => {
  const best = 1.8 / 1.7;
  expect(
    tf
      .grad((mean) => loss(mean))(tf.tensor1d([best]))
      .dataSync()[0],
  ).toBeCloseTo(0, 6);
  expect(boundAt(best)).toBeCloseTo(0.884314, 5);
  expect(-importanceSampled(tf.tensor1d([best])).dataSync()[0]!).toBeCloseTo(1.69002, 5);
  for (const mean of [-2, -0.5, 0.5, 3]) {
    expect(boundAt(mean)).toBeLessThan(-importanceSampled(tf.tensor1d([mean])).dataSync()[0]!);
  }
});

test('a constant added to the rewards draws the best mean towards that of the samples', () => {
  const raised = rewards.map((reward) => reward + 100);
  const best = (1.8 + 100) / (1.7 + 300);
  const slope = tf
    .grad((mean) => loss(mean, raised))(tf.tensor1d([best]))
    .dataSync()[0]!;
  // Terms of the size of 100.
  expect(Math.abs(slope)).toBeLessThan(1e-4);
  expect(best).toBeCloseTo(1 / 3, 2);
});

test('below 0 the bound turns round', () => {
  const { exp } = Math;
  const logProb = logProbOf(tf.tensor1d([1]), [0]);
  const negative = lowerBoundObjective({ logProb, oldLogProb: [0], rewards: [-1] });
  const bound = -1 - negative.dataSync()[0]!;
  expect(bound).toBeCloseTo(-0.5, 6);
  expect(bound).toBeGreaterThan(-exp(-0.5));
});

test('its gradient', () => {
  expect(loss).toHaveFiniteDifferences(tf.tensor1d([0.7]), 1e-4);
});
