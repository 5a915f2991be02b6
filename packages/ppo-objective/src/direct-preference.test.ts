import * as tf from '@tensorflow/tfjs-core';
import { directPreference } from './direct-preference';

const { exp, log1p, LN2 } = Math;
const beta = 0.1;
const reference = [-1.2, -1.1];
const atReference = () => tf.tensor1d(reference);
/** Of (log p_w, log p_l) of one pair. */
const pairLoss = (sftWeight: number | undefined) => (x: tf.Tensor) => {
  const logRatio = tf.sub<tf.Tensor1D>(x, tf.tensor1d(reference));
  return directPreference({
    winnerLogRatio: tf.slice(logRatio, 0, 1),
    loserLogRatio: tf.slice(logRatio, 1, 1),
    winnerLogProb: tf.slice(x as tf.Tensor1D, 0, 1),
    beta,
    sftWeight,
  });
};

test('a pair that a hand can check', () => {
  const at = tf.tensor1d([-1, -1.5]);
  const f = pairLoss(0.5);
  // β (Δ_w − Δ_l) = .06
  expect(f(at).dataSync()[0]).toBeCloseTo(log1p(exp(-0.06)) + 0.05, 6);
  const push = beta / (1 + exp(0.06));
  expect(tf.grad(f)(at)).toBeGradient(tf.tensor1d([-push - 0.05, push]), 1e-6);
  // A loss of 0.7 and slopes of 0.1.
  expect(f).toHaveFiniteDifferences(at, 1e-4, 0.1);
});

test('at the reference', () => {
  expect(pairLoss(0.5)(atReference()).dataSync()[0]).toBeCloseTo(LN2 + 0.06, 6);
  expect(tf.grad(pairLoss(0.5))(atReference())).toBeGradient(tf.tensor1d([-0.1, 0.05]), 1e-6);
});

test('without imitation it is DPO', () => {
  for (const sftWeight of [undefined, 0]) {
    const f = pairLoss(sftWeight);
    expect(f(atReference()).dataSync()[0]).toBeCloseTo(LN2, 6);
    expect(tf.grad(f)(atReference())).toBeGradient(tf.tensor1d([-0.05, 0.05]), 1e-6);
  }
});

test('where both share a parameter only imitation moves it', () => {
  const slopeOf = (sftWeight: number) =>
    tf
      .grad((s) => pairLoss(sftWeight)(tf.tile(s, [2])))(tf.tensor1d([-1]))
      .dataSync()[0]!;
  expect(Math.abs(slopeOf(0))).toBeLessThan(1e-8);
  expect(slopeOf(0.5)).toBeCloseTo(-0.05, 7);
});

test('a ratio far away neither overflows nor loses its slope', () => {
  const far = (loserLogRatio: number) => (x: tf.Tensor) =>
    directPreference({
      winnerLogRatio: x as tf.Tensor1D,
      loserLogRatio: tf.tensor1d([loserLogRatio]),
      beta: 1000,
    });
  const at = tf.tensor1d([0]);
  expect(far(1)(at).dataSync()[0]).toBe(1000);
  expect(tf.grad(far(1))(at).dataSync()[0]).toBe(-1000);
  expect(far(-1)(at).dataSync()[0]).toBe(0);
});

test('what cannot be computed is refused', () => {
  const input = { winnerLogRatio: tf.zeros<tf.Rank.R1>([2]), loserLogRatio: tf.tensor1d([0]) };
  expect(() => directPreference({ ...input, beta })).toThrow(
    'loserLogRatio [1] and winnerLogRatio [2] must have the same shape [rows].',
  );
  const pairs = { ...input, loserLogRatio: tf.tensor1d([0, 0]) };
  expect(() => directPreference({ ...pairs, beta: 0 })).toThrow(/beta/);
  expect(() => directPreference({ ...pairs, beta, sftWeight: -1 })).toThrow(/sftWeight/);
  expect(() => directPreference({ ...pairs, beta, sftWeight: 1 })).toThrow(
    /give their winnerLogProb, or leave sftWeight out/,
  );
});
