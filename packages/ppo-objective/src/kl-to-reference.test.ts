import * as tf from '@tensorflow/tfjs-core';
import { klToReference } from './kl-to-reference';

describe.each(['best', 'cpu'])('on the %s backend', (backend) => {
  let usual = '';
  beforeAll(async () => {
    usual = tf.getBackend();
    if (backend === 'cpu') await tf.setBackend('cpu');
  });
  afterAll(() => tf.setBackend(usual));

  test('shift over sigma, squared and halved', () => {
    const referenceMean = tf.ones<tf.Rank.R4>([2, 2, 2, 1]);
    const mean = tf.add<tf.Tensor4D>(referenceMean, 0.3);
    const one = klToReference({ mean, referenceMean, sigma: 0.5 });
    expect(one.dataSync()[0]).toBeCloseTo(0.09 / (2 * 0.25), 6);
    // A row with twice the σ counts a quarter.
    const perRow = klToReference({ mean, referenceMean, sigma: [0.5, 1] });
    expect(perRow.dataSync()[0]).toBeCloseTo((0.18 + 0.045) / 2, 6);
    const tensor = klToReference({ mean, referenceMean, sigma: tf.tensor1d([0.5, 1]) });
    expect(tensor.dataSync()[0]).toBe(perRow.dataSync()[0]);
  });

  test('0 for equal policies, and its gradient pulls back', () => {
    const referenceMean = tf.tensor4d([1, 2, 3, 4], [1, 2, 2, 1]);
    const same = klToReference({ mean: referenceMean, referenceMean, sigma: 0.1 });
    expect(same.dataSync()[0]).toBe(0);
    const gradient = tf.grad((mean) => klToReference({ mean: mean, referenceMean, sigma: 0.5 }))(
      tf.tensor4d([1, 2.5, 3, 3], [1, 2, 2, 1]),
    );
    // (μ − μ_ref) / (σ² · 4)
    Array.from(gradient.dataSync()).forEach((slope, index) => {
      expect(slope).toBeCloseTo([0, 0.5, 0, -1][index]!, 5);
    });
  });
});

test('shapes and sigmas are checked', () => {
  const mean = tf.zeros<tf.Rank.R4>([2, 1, 1, 1]);
  const referenceMean = tf.zeros<tf.Rank.R4>([1, 1, 1, 1]);
  expect(() => klToReference({ mean, referenceMean, sigma: 1 })).toThrow(
    /mean \[2, 1, 1, 1\] and referenceMean \[1, 1, 1, 1\]/,
  );
  expect(() => klToReference({ mean, referenceMean: mean, sigma: 0 })).toThrow(/above 0, got 0/);
  expect(() => klToReference({ mean, referenceMean: mean, sigma: [1] })).toThrow(/sigma \[1\]/);
  // A tensor is not read, and one that is wrong shows in the result.
  const off = tf.add<tf.Tensor4D>(mean, 1);
  for (const wrong of [
    [1, 0],
    [-1, 1],
  ]) {
    const kl = klToReference({ mean: off, referenceMean: mean, sigma: tf.tensor1d(wrong) });
    expect(Number.isFinite(kl.dataSync()[0])).toBe(false);
  }
  const matrix = tf.ones<tf.Rank>([2, 2]) as tf.Tensor1D;
  expect(() => klToReference({ mean, referenceMean: mean, sigma: matrix })).toThrow(
    'sigma [2, 2] must have one entry per row of mean [2, 1, 1, 1].',
  );
  const scalar = tf.scalar(0);
  expect(() => klToReference({ mean: scalar, referenceMean: scalar, sigma: 1 })).toThrow(
    /one entry per row of mean \[\]/,
  );
});

test('points of a plane are as good as images', () => {
  const [mean, referenceMean] = [tf.tensor2d([[1, 2]]), tf.tensor2d([[0, 4]])];
  expect(klToReference({ mean, referenceMean, sigma: [0.5] }).dataSync()[0]).toBeCloseTo(5, 6);
});
