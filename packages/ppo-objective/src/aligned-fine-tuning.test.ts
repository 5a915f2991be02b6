import * as tf from '@tensorflow/tfjs-core';
import { alignedFineTuning } from './aligned-fine-tuning';
import { directPreference } from './direct-preference';
import { logOdds } from './log-odds';

const paper = { lambda: 1, beta: 1, sftWeight: 1 };
const pairAt = () => tf.tensor1d([Math.log(0.6), Math.log(0.3)]);
/** Sum over a preferred and a rejected row. */
const pairLoss = (settings: typeof paper) => (x: tf.Tensor) => {
  const logProb = x as tf.Tensor1D;
  const inputs = { logProb, logOdds: logOdds(logProb), preferences: [1, -1] };
  return tf.sum(alignedFineTuning({ ...inputs, ...settings, reduction: 'none' }));
};

test.each([
  { name: 'as in the paper', settings: paper, loss: 1.378326, slopes: [-2, 3 / 7] },
  { settings: { ...paper, beta: 0.5 }, loss: 1.611327, slopes: [-1.561862, 0.282603] },
  { name: 'with λ = 0, −log p_w', settings: { ...paper, lambda: 0 }, loss: 0.510826, slopes: [-1] },
])('$name $settings', ({ settings, loss, slopes: [winner, loser = 0] }) => {
  const f = pairLoss(settings);
  // The numbers are given to 6 digits.
  expect(f(pairAt()).dataSync()[0]).toBeCloseTo(loss, 5);
  expect(tf.grad(f)(pairAt())).toBeGradient(tf.tensor1d([winner!, loser]), 1e-6);
  expect(f).toHaveFiniteDifferences(pairAt(), 2e-4);
});

test('−(sftWeight + λ) log p_w − λ log(1 − p_l) in closed form', () => {
  const f = pairLoss({ lambda: 0.3, beta: 1, sftWeight: 0.7 });
  expect(f(pairAt()).dataSync()[0]).toBeCloseTo(-Math.log(0.6) - 0.3 * Math.log(0.7), 6);
});

test('ORPO is ASFT + λ log(p_w (1 − p_l) + p_l (1 − p_w))', () => {
  const odds = logOdds(pairAt());
  const [winnerLogRatio, loserLogRatio] = [tf.slice(odds, 0, 1), tf.slice(odds, 1, 1)];
  const oddsRatio = directPreference({ winnerLogRatio, loserLogRatio, beta: 1 }).dataSync()[0]!;
  const asft = pairLoss(paper)(pairAt()).dataSync()[0]!;
  expect(oddsRatio - Math.log(0.6)).toBeCloseTo(0.76214, 5);
  expect(asft + Math.log(0.6 * 0.7 + 0.3 * 0.4)).toBeCloseTo(0.76214, 5);
});

test('log-ratios to a reference in the place of log-odds', () => {
  const f = (x: tf.Tensor) => {
    const logProb = x as tf.Tensor1D;
    const inputs = { logProb, logOdds: logProb, preferences: [1, -1] };
    return alignedFineTuning({ ...inputs, lambda: 1, beta: 1, sftWeight: 0, reduction: 'none' });
  };
  const at = tf.tensor1d([0.2, -0.4]);
  expect(tf.sum(f(at)).dataSync()[0]).toBeCloseTo(1.111154, 5);
  expect(tf.grad(f)(at)).toBeGradient(tf.tensor1d([-0.450166, 0.401312]), 2e-6);
  const start = tf.tensor1d([0, 0]);
  expect(tf.sum(f(start)).dataSync()[0]).toBeCloseTo(2 * Math.LN2, 6);
  expect(tf.grad(f)(start)).toBeGradient(tf.tensor1d([-0.5, 0.5]), 1e-6);
});

test('at p = 1 loss and slopes are finite', () => {
  const certain = tf.tensor1d([0, 0]);
  const f = pairLoss(paper);
  expect(f(certain).dataSync()[0]).toBeCloseTo(-Math.log(1e-7), 4);
  const slopes = Array.from(tf.grad(f)(certain).dataSync());
  expect(slopes.every(Number.isFinite)).toBe(true);
  expect(slopes[0]).toBeLessThan(0);
  expect(slopes[1]).toBeGreaterThan(0);
});

test('a row of no preference costs nothing', () => {
  const f = (x: tf.Tensor) => {
    const logProb = x as tf.Tensor1D;
    const inputs = { logProb, logOdds: logOdds(logProb), preferences: [0, 1] };
    return alignedFineTuning({ ...inputs, ...paper, reduction: 'none' });
  };
  expect(f(pairAt()).dataSync()[0]).toBeCloseTo(0, 12);
  const slopes = tf.grad(f)(pairAt()).dataSync();
  expect(slopes[0]).toBeCloseTo(0, 12);
  expect(slopes[1]).toBeCloseTo(-1 - 1, 5);
});

test('what cannot be computed is refused', () => {
  expect(() => pairLoss({ ...paper, lambda: -1 })(pairAt())).toThrow(/lambda.*at least 0, got -1/);
  expect(() => pairLoss({ ...paper, beta: 0 })(pairAt())).toThrow(/beta.*above 0, got 0/);
  expect(() => pairLoss({ ...paper, sftWeight: NaN })(pairAt())).toThrow(/sftWeight.*got NaN/);
  expect(() => pairLoss(paper)(tf.tensor1d([-1, -1, -1]))).toThrow(
    'preferences [2] and logProb [3]',
  );
});
