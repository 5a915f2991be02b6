import * as tf from '@tensorflow/tfjs-core';
import { advantageInducedAlignment } from './advantage-induced-alignment';

const advantages = [2, -1, 0];
const logRatios = [0.1, 0.05, -0.2];
const objective = (lambda: number, anchorLogProb: number[]) => (x: tf.Tensor) =>
  advantageInducedAlignment({ logProb: x as tf.Tensor1D, anchorLogProb, advantages, lambda });

test('a loss and its slopes that a hand can check', () => {
  const at = tf.tensor1d(logRatios);
  const loss = objective(0.5, [0, 0, 0]);
  // (λ/2) (3.9² + 2.05² + 0.2²)/3
  expect(loss(at).dataSync()[0]).toBeCloseTo(0.25 * 6.484167, 6);
  // (−A + λΔ)/3
  expect(tf.grad(loss)(at)).toBeGradient(tf.tensor1d([-0.65, 1.025 / 3, -0.1 / 3]), 1e-6);
  expect(objective(0.5, [0.3, -0.1, 0.2])).toHaveFiniteDifferences(at, 1e-4);
});

test('beyond its goal a good row is pulled back, and without an advantage any', () => {
  const past = tf.tensor1d([1.5, 0, 0.5]);
  const slopes = tf
    .grad(objective(2, [0, 0, 0]))(past)
    .dataSync();
  expect(slopes[0]).toBeCloseTo((-2 + 2 * 1.5) / 3, 6);
  expect(slopes[1]).toBeCloseTo(1 / 3, 6);
  expect(slopes[2]).toBeCloseTo((2 * 0.5) / 3, 6);
});

test('a large λ leaves the distance from the anchor', () => {
  const at = tf.tensor1d(logRatios);
  // Of the mean square .0175, A/λ = 2e-6 changes 1e-7.
  const loss = objective(1e6, [0, 0, 0])(at).dataSync()[0]!;
  expect(loss / 5e5).toBeCloseTo(0.0175, 6);
});

test('a bandit ends at its regression, and with the normaliser at the solution itself', () => {
  const start = tf.tensor1d([0.5, 0.3, 0.2]);
  const anchorLogProb = tf.log(start);
  const settle = (goals: number[]) => {
    let logits = anchorLogProb.clone();
    for (let step = 0; step < 150; step += 1) {
      const slopes = tf.grad((x) =>
        tf.dot(
          start,
          advantageInducedAlignment({
            logProb: tf.logSoftmax(x as tf.Tensor1D),
            anchorLogProb,
            advantages: goals,
            lambda: 0.5,
            reduction: 'none',
          }),
        ),
      )(logits);
      logits = tf.sub(logits, tf.mul(slopes, 4));
    }
    return Array.from(tf.softmax(logits).dataSync());
  };
  const expectNear = (found: number[], expected: number[]) =>
    found.forEach((probability, arm) => expect(probability).toBeCloseTo(expected[arm]!, 5));
  // Rewards 1, 0, .5 less their mean under the start, .6.
  const ownAdvantages = [0.4, -0.6, -0.1];
  expectNear(settle(ownAdvantages), [0.776072, 0.08463, 0.139298]);
  // start · exp(A/λ) has the sum exp(.312527).
  const normalised = ownAdvantages.map((advantage) => advantage - 0.5 * 0.312527);
  expectNear(settle(normalised), [0.814098, 0.066106, 0.119796]);
});

test('what cannot be computed is refused', () => {
  const at = tf.tensor1d(logRatios);
  expect(() => objective(0, [0, 0, 0])(at)).toThrow('lambda must be a finite number above 0');
  expect(() => objective(1, [0, 0])(at)).toThrow('anchorLogProb [2] and logProb [3]');
});
