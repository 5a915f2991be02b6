import * as tf from '@tensorflow/tfjs-core';
import { negativeAwareFineTuning } from './negative-aware-fine-tuning';
import { optimality } from './optimality';

// One number: x_t = 1, t = ½, x_0 = .7, so v_old = .3 predicts .85.
const images = () => ({ original: tf.tensor2d([[0.7]]), oldPredicted: tf.tensor2d([[0.85]]) });
const predictedBy = (velocity: tf.Tensor) => tf.sub(1, tf.mul(velocity, 0.5));
const loss =
  (advantage: number, normalize: boolean, beta = 0.1) =>
  (velocity: tf.Tensor) =>
    negativeAwareFineTuning({
      ...images(),
      predicted: predictedBy(velocity),
      optimality: optimality([advantage], 5),
      beta,
      normalize,
    });
const moved = () => tf.tensor2d([[0.5]]);
const old = () => tf.tensor2d([[0.3]]);

test.each([
  { advantage: 5, cost: 0.196, normalized: 1.4, slope: -0.15 },
  { advantage: 0, cost: 0.226, normalized: 1.5, slope: 0 },
  { advantage: -5, cost: 0.256, normalized: 1.6, slope: 0.15 },
])('A = $advantage', ({ advantage, cost, normalized, slope }) => {
  expect(loss(advantage, false)(moved()).dataSync()[0]).toBeCloseTo(cost, 6);
  // A single number's square over its distance is the distance, .14 or .16, here over β.
  expect(loss(advantage, true)(moved()).dataSync()[0]).toBeCloseTo(normalized, 5);
  // −2t (2r−1) (x̂_old − x_0)
  const found = tf.grad(loss(advantage, false))(old()).dataSync()[0]!;
  expect(found).toBeCloseTo(slope, 6);
});

test('the slope at the old policy is linear in the clipped advantage, whatever β', () => {
  for (const beta of [0.1, 1]) {
    const slopes = [-9, -5, -2, 1, 4, 9].map(
      (advantage) =>
        tf
          .grad(loss(advantage, false, beta))(old())
          .dataSync()[0]! / -0.15,
    );
    [-1, -1, -0.4, 0.2, 0.8, 1].forEach((share, index) => {
      expect(slopes[index]).toBeCloseTo(share, 5);
    });
  }
});

describe('rows of images', () => {
  const rows = (values: number[]) => tf.tensor3d(values, [2, 3, 1]);
  const beta = 0.6;
  const good = [0.8, 0.1];
  const original = () => rows([0.1, -0.3, 0.5, 0.9, 0, -0.7]);
  const oldPredicted = () => rows([0.3, -0.1, 0.2, 0.4, 0.1, -1]);
  const predicted = () => rows([0.2, 0, 0.4, 0.5, -0.2, -0.9]);
  const rowLoss =
    (normalize?: boolean, given = oldPredicted) =>
    (x: tf.Tensor) =>
      negativeAwareFineTuning({
        predicted: x,
        oldPredicted: given(),
        original: original(),
        optimality: good,
        beta,
        normalize,
        reduction: 'none',
      });

  test('without a normaliser the gradient is that of finite differences', () => {
    expect(rowLoss(false)).toHaveFiniteDifferences(predicted(), 1e-4);
  });

  test('the normaliser is a constant of each row and side', () => {
    const step = tf.mul(tf.sub(predicted(), oldPredicted()), beta);
    const oldError = tf.sub(oldPredicted(), original());
    const share = tf.tensor3d(good, [2, 1, 1]);
    const normalized = (error: tf.Tensor) => tf.div(error, tf.mean(tf.abs(error), [1, 2], true));
    // 2/D (r e⁺/n⁺ − (1−r) e⁻/n⁻)
    const positive = tf.mul(share, normalized(tf.add(oldError, step)));
    const negative = tf.mul(tf.sub(1, share), normalized(tf.sub(oldError, step)));
    const expected = tf.mul(tf.sub(positive, negative), 2 / 3);
    expect(tf.grad(rowLoss(true))(predicted())).toBeGradient(expected, 1e-6);
    // It is the default.
    expect(tf.grad(rowLoss())(predicted())).toBeGradient(expected, 1e-6);
  });

  test('a perfect prediction costs nothing and has a finite slope', () => {
    const f = rowLoss(true, original);
    expect(Array.from(f(original()).dataSync())).toEqual([0, 0]);
    const slopes = Array.from(tf.grad(f)(original()).dataSync(), Math.abs);
    expect(slopes).toEqual([0, 0, 0, 0, 0, 0]);
  });
});

test('what cannot be computed is refused', () => {
  const predicted = tf.zeros([1, 1]);
  const input = { ...images(), predicted, optimality: [1], beta: 1 };
  expect(() => negativeAwareFineTuning({ ...input, beta: 0 })).toThrow(/beta.*above 0, got 0/);
  expect(() => negativeAwareFineTuning({ ...input, original: tf.zeros([1, 2]) })).toThrow(
    'predicted [1, 1] and original [1, 2] must have the same shape [rows, …].',
  );
  expect(() => negativeAwareFineTuning({ ...input, oldPredicted: tf.zeros([2, 1]) })).toThrow(
    /predicted \[1, 1\] and oldPredicted \[2, 1\]/,
  );
  expect(() => negativeAwareFineTuning({ ...input, optimality: [1, 0] })).toThrow(
    'optimality [2] and predicted [1] must have the same shape [rows].',
  );
});
