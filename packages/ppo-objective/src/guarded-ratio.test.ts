import * as tf from '@tensorflow/tfjs-core';
import { clippedSurrogate } from './clipped-surrogate';
import { gaussianKernelLogProb } from './gaussian-kernel-log-prob';
import { guardedRatio } from './guarded-ratio';
import { policyRatio } from './policy-ratio';

test('a shift across the noise has ratio 1 again', () => {
  // D = 2, s = .5, z = (1, .5): Δ = mean(Δμ z)/s − mean(Δμ²)/(2s²) = −.05
  const rows = { logProb: tf.tensor1d([-0.05]), oldLogProb: [0] };
  const meanShift = tf.tensor2d([[0.1, -0.2]]);
  expect(policyRatio(rows.logProb, tf.tensor1d([0])).dataSync()[0]).toBeCloseTo(0.951229, 6);
  expect(guardedRatio({ ...rows, meanShift, sigma: 0.5 }).dataSync()[0]).toBeCloseTo(1, 6);
});

describe('rows of a Gaussian step', () => {
  const sigma = [0.5, 0.2];
  const images = (values: number[]) => tf.tensor3d(values, [2, 3, 1]);
  const oldMean = () => images([0.1, -0.4, 0.3, 0.8, 0, 0.5]);
  const noise = () => images([1, 0.5, -2, 0.3, -0.7, 1.2]);
  const mean = () => tf.add(oldMean(), images([0.2, -0.1, 0.05, 0.1, 0.03, -0.2]));
  const ratioOf = (given: tf.Tensor) => {
    const value = tf.add(oldMean(), tf.mul(noise(), tf.tensor3d(sigma, [2, 1, 1])));
    return guardedRatio({
      logProb: gaussianKernelLogProb({ value, mean: given, sigma }),
      oldLogProb: gaussianKernelLogProb({ value, mean: oldMean(), sigma }),
      meanShift: tf.sub(given, oldMean()),
      sigma,
    });
  };

  test('ρ′ is exp(mean(Δμ z)), for a σ per row', () => {
    const exponents = [(0.2 - 0.05 - 0.1) / 3, (0.03 - 0.021 - 0.24) / 3];
    const ratios = ratioOf(mean()).dataSync();
    // Of log-probabilities of the size of 1, near which float32 has steps of 1e-7.
    exponents.forEach((exponent, row) => {
      expect(ratios[row]).toBeCloseTo(Math.exp(exponent), 6);
    });
    expect(Array.from(ratioOf(oldMean()).dataSync())).toEqual([1, 1]);
  });

  test('its gradient is ρ′ z/D', () => {
    const expected = tf.div(tf.mul(noise(), tf.reshape(ratioOf(mean()), [2, 1, 1])), 3);
    // Slopes of z and Δμ/s cancel, of up to ten times its size.
    expect(tf.grad(ratioOf)(mean())).toBeGradient(expected, 5e-6);
    expect(ratioOf).toHaveFiniteDifferences(mean(), 2e-4);
  });

  test('it goes where the ratio of log-probabilities went', () => {
    const ratio = ratioOf(mean());
    const [first, second] = ratio.dataSync();
    const loss = clippedSurrogate({ ratio, advantages: [1, -2], clipRange: 0.5 });
    expect(loss.dataSync()[0]).toBeCloseTo((-first! + 2 * second!) / 2, 6);
  });
});

test('a ratio that overflows is finite', () => {
  const meanShift = tf.zeros([1, 2]);
  const rows = { logProb: tf.tensor1d([500]), oldLogProb: [0], meanShift };
  expect(guardedRatio({ ...rows, sigma: 1 }).dataSync()[0]! / Math.exp(60)).toBeCloseTo(1, 5);
});

test('what does not fit is refused', () => {
  const rows = { logProb: tf.tensor1d([0, 0]), oldLogProb: [0, 0] };
  expect(() => guardedRatio({ ...rows, meanShift: tf.zeros([1, 3]), sigma: 1 })).toThrow(
    'meanShift [1, 3] must be [2, …], a row for each of logProb [2].',
  );
  const meanShift = tf.zeros([2, 3]);
  expect(() => guardedRatio({ ...rows, meanShift, sigma: -1 })).toThrow(/above 0, got -1/);
  expect(() => guardedRatio({ ...rows, meanShift, sigma: [1] })).toThrow(/sigma \[1\]/);
});
