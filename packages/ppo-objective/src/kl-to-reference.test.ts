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
    const gradient = tf.grad((mean) =>
      klToReference({ mean: mean as tf.Tensor4D, referenceMean, sigma: 0.5 }),
    )(tf.tensor4d([1, 2.5, 3, 3], [1, 2, 2, 1]));
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
});
