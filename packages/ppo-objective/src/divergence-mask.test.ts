import * as tf from '@tensorflow/tfjs-core';
import { divergenceMask } from './divergence-mask';

// mean(Δμ²)/(2σ²) = .05 in the first six rows, a quarter of it in the last.
const shift = [0.1, -0.2];
const shifts = [shift, shift, shift, shift, shift, shift, [0.05, 0.1]];
const ratios = [1.1, 0.9, 1.1, 0.9, 1.1, 1, 1.1];
const advantages = [1, 1, -1, -1, 0, 1, 1];
const input = () => ({
  meanShift: tf.tensor2d(shifts),
  sigma: 0.5,
  ratio: tf.tensor1d(ratios),
  advantages,
  threshold: 0.049,
});
const maskAt = (threshold: number, sigma: number | number[] = 0.5) =>
  Array.from(divergenceMask({ ...input(), sigma, threshold }).dataSync());

test('drops what went too far the way its advantage asks for', () => {
  expect(maskAt(0.049)).toEqual([0, 1, 1, 0, 1, 1, 1]);
  expect(maskAt(0.051)).toEqual([1, 1, 1, 1, 1, 1, 1]);
  expect(maskAt(0.012)).toEqual([0, 1, 1, 0, 1, 1, 0]);
  // Twice the σ is a quarter of the divergence.
  expect(maskAt(0.049, [1, 1, 1, 0.5, 1, 1, 0.2])).toEqual([1, 1, 1, 0, 1, 1, 0]);
});

test('is a constant', () => {
  const f = (x: tf.Tensor) => {
    const one = tf.reshape(tf.div(x, x), [7, 1]);
    const ratio = tf.exp(x as tf.Tensor1D);
    const meanShift = tf.mul(tf.tensor2d(shifts), one);
    return tf.mul(ratio, divergenceMask({ ...input(), meanShift, ratio }));
  };
  const slopes = tf.grad(f)(tf.tensor1d(ratios.map((ratio) => Math.log(ratio + 1e-3))));
  const kept = [0, 0.901, 1.101, 0, 1.101, 0, 1.101];
  expect(slopes).toBeGradient(tf.tensor1d(kept), 1e-6);
});

test('nothing is left behind', () => {
  const given = input();
  const before = tf.memory().numTensors;
  divergenceMask(given).dispose();
  expect(tf.memory().numTensors).toBe(before);
});

test('what does not fit is refused', () => {
  expect(() => maskAt(0)).toThrow(/threshold.*above 0, got 0/);
  expect(() => divergenceMask({ ...input(), meanShift: tf.zeros([2, 2]) })).toThrow(
    'meanShift [2, 2] must be [7, …], a row for each of ratio [7].',
  );
  expect(() => divergenceMask({ ...input(), advantages: [1] })).toThrow(
    'advantages [1] and ratio [7] must have the same shape [rows].',
  );
});
