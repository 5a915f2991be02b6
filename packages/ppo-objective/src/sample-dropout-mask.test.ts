import * as tf from '@tensorflow/tfjs-core';
import { clippedSurrogate } from './clipped-surrogate';
import { sampleDropoutMask } from './sample-dropout-mask';

const advantages = [1, -1, 2, -2];
const ratios = [1.1, 0.7, 1.6, 1.05];
const maskAt = (delta: number, side: 'both' | 'upper' | 'lower' = 'both') =>
  Array.from(sampleDropoutMask({ ratio: tf.tensor1d(ratios), delta, side }).dataSync());

test('drops rows whose ratio deviates by δ or more', () => {
  expect(maskAt(0.5)).toEqual([1, 1, 0, 1]);
  expect(maskAt(0.2)).toEqual([1, 0, 0, 1]);
  expect(maskAt(0.2, 'upper')).toEqual([1, 1, 0, 1]);
  expect(maskAt(0.2, 'lower')).toEqual([1, 0, 1, 1]);
  expect(maskAt(0.01)).toEqual([0, 0, 0, 0]);
  expect(maskAt(Infinity)).toEqual([1, 1, 1, 1]);
  // 1.5 and .5 are exact, so that the bound itself can be told.
  const edges = sampleDropoutMask({ ratio: tf.tensor1d([1.5, 0.5]), delta: 0.5, side: 'both' });
  expect(Array.from(edges.dataSync())).toEqual([0, 0]);
  expect(() => maskAt(0)).toThrow(/delta.*above 0, got 0/);
});

describe.each([
  // PPO's terms are −1.1, .8, −2.4, 2.1; all rows count where none is left.
  { clipRange: 0.2, delta: Infinity, loss: -0.15, slopes: [-0.275, 0, 0, 0.525] },
  { clipRange: 0.2, delta: 0.5, loss: 0.6, slopes: [-1.1 / 3, 0, 0, 0.7] },
  { clipRange: 0.2, delta: 0.01, loss: -0.15, slopes: [-0.275, 0, 0, 0.525] },
  // Without a clip −Aρ: −1.1, .7, −3.2, 2.1.
  { clipRange: 1e6, delta: Infinity, loss: -0.375, slopes: [-0.275, 0.175, -0.8, 0.525] },
  { clipRange: 1e6, delta: 0.5, loss: 1.7 / 3, slopes: [-1.1 / 3, 0.7 / 3, 0, 0.7] },
])('clip range $clipRange and δ = $delta', ({ clipRange, delta, loss, slopes }) => {
  const f = (x: tf.Tensor) => {
    const losses = clippedSurrogate({
      logProb: x as tf.Tensor1D,
      oldLogProb: [0, 0, 0, 0],
      advantages,
      clipRange,
      reduction: 'none',
    });
    const mask = sampleDropoutMask({ ratio: tf.exp(x as tf.Tensor1D), delta, side: 'both' });
    const kept = tf.sum(mask).dataSync()[0]!;
    return kept === 0 ? tf.mean(losses) : tf.div(tf.sum(tf.mul(mask, losses)), kept);
  };

  test('the loss and its slopes', () => {
    const at = tf.tensor1d(ratios.map(Math.log));
    expect(f(at).dataSync()[0]).toBeCloseTo(loss, 6);
    expect(tf.grad(f)(at)).toBeGradient(tf.tensor1d(slopes), 1e-6);
  });
});

test('a row that moved far the wrong way is pulled back by the clip, not once it is dropped', () => {
  const slopeWith = (delta: number) =>
    tf
      .grad((x) => {
        const given = tf.exp(x as tf.Tensor1D);
        const loss = clippedSurrogate({ ratio: given, advantages: [-1], clipRange: 0.2 });
        return tf.mul(loss, sampleDropoutMask({ ratio: given, delta, side: 'both' }));
      })(tf.tensor1d([Math.log(1.7)]))
      .dataSync()[0]!;
  expect(slopeWith(Infinity)).toBeCloseTo(1.7, 6);
  expect(slopeWith(0.5)).toBe(0);
});

test('nothing is left behind', () => {
  const ratio = tf.tensor1d(ratios);
  const before = tf.memory().numTensors;
  sampleDropoutMask({ ratio, delta: 0.5, side: 'lower' }).dispose();
  expect(tf.memory().numTensors).toBe(before);
});

test('a side that there is none of is refused', () => {
  expect(() => maskAt(0.5, 'left' as 'both')).toThrow('side must be one of both, upper, lower');
});
