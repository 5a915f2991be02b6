import * as tf from '@tensorflow/tfjs-core';
import { gaussianKernelLogProb } from './gaussian-kernel-log-prob';

test('one deviation away the density is e^−½ of its largest', () => {
  const mean = tf.tensor3d([1, 2, 3, 4, 5, 6, 7, 8], [2, 2, 2]);
  const signs = tf.tensor3d([1, -1, -1, 1], [1, 2, 2]);
  const sigmas = tf.tensor3d([0.5, 2], [2, 1, 1]);
  const value = tf.add(mean, tf.mul(signs, sigmas));
  const logProb = gaussianKernelLogProb({ value, mean, sigma: [0.5, 2] });
  expect(logProb.shape).toEqual([2]);
  for (const p of tf.exp(logProb).dataSync()) expect(p).toBeCloseTo(0.606531, 6);
  const one = gaussianKernelLogProb({ value, mean, sigma: 0.5 }).dataSync();
  expect(one[0]).toBeCloseTo(-0.5, 6);
  expect(one[1]).toBeCloseTo(-8, 5);
  const same = gaussianKernelLogProb({ value: mean, mean, sigma: 1 }).dataSync();
  expect(Array.from(same, Math.abs)).toEqual([0, 0]);
});

test('its gradient is (x − μ)/(σ² D)', () => {
  const value = tf.tensor2d([1, 2, 3, 4], [2, 2]);
  const mean = tf.tensor2d([0.9, 2.3, 3.1, 4.2], [2, 2]);
  const f = (x: tf.Tensor) => gaussianKernelLogProb({ value, mean: x, sigma: 0.5 });
  const expected = tf.tensor2d([0.2, -0.6, -0.2, -0.4], [2, 2]);
  // Differences of numbers near 4 have 2e-7 of rounding.
  expect(tf.grad(f)(mean)).toBeGradient(expected, 1e-5);
  expect(f).toHaveFiniteDifferences(mean, 1e-4);
});

test('shapes and sigmas are checked', () => {
  const [value, mean] = [tf.zeros([2, 1]), tf.zeros([1, 1])];
  expect(() => gaussianKernelLogProb({ value, mean, sigma: 1 })).toThrow(
    'value [2, 1] and mean [1, 1] must have the same shape [rows, …].',
  );
  expect(() => gaussianKernelLogProb({ value, mean: value, sigma: 0 })).toThrow(/above 0, got 0/);
  expect(() => gaussianKernelLogProb({ value, mean: value, sigma: [1] })).toThrow(
    'sigma [1] must have one entry per row of value [2, 1].',
  );
});
