import * as tf from '@tensorflow/tfjs-core';
import { diffusionPreference } from './diffusion-preference';

const references = { winnerReferenceError: [0.08], loserReferenceError: [0.09] };
const beta = 5000;
/** Of (ℓ_w, ℓ_l) of one pair. */
const pairLoss =
  (sftWeight?: number, given = { ...references, beta }) =>
  (x: tf.Tensor) =>
    diffusionPreference({
      ...given,
      winnerError: tf.slice(x as tf.Tensor1D, 0, 1),
      loserError: tf.slice(x as tf.Tensor1D, 1, 1),
      sftWeight,
    });
const atReference = () => tf.tensor1d([0.08, 0.09]);
const moved = () => tf.tensor1d([0.0798, 0.0901]);

test('at the reference the slopes are ±β/4', () => {
  expect(pairLoss()(atReference()).dataSync()[0]).toBeCloseTo(Math.LN2, 6);
  expect(tf.grad(pairLoss())(atReference())).toBeGradient(tf.tensor1d([1250, -1250]), 1e-6);
});

test('a pair that moved as it should has less loss and less slope', () => {
  // float32 has steps of 7e-9 near .08, and their differences times 2500 are good to 4e-5 of .75.
  expect(pairLoss()(moved()).dataSync()[0]).toBeCloseTo(0.386871, 4);
  expect(tf.grad(pairLoss())(moved())).toBeGradient(tf.tensor1d([802.053, -802.053]), 4e-5);
});

test("the winner's own error joins by its weight, and without one it is Diffusion-DPO", () => {
  const [plain, joined] = [pairLoss(), pairLoss(500)];
  const gain = joined(moved()).dataSync()[0]! - plain(moved()).dataSync()[0]!;
  expect(gain).toBeCloseTo(39.9, 4);
  expect(tf.grad(joined)(moved())).toBeGradient(tf.tensor1d([1302.053, -802.053]), 4e-5);
  expect(pairLoss(0)(moved()).dataSync()[0]).toBe(plain(moved()).dataSync()[0]);
  expect(tf.grad(pairLoss(0))(moved())).toBeGradient(tf.grad(plain)(moved()), 0);
});

test('where both errors share a parameter only the imitation moves it', () => {
  const slopeOf = (sftWeight: number) =>
    tf
      .grad((s) => pairLoss(sftWeight)(tf.tile(s, [2])))(tf.tensor1d([0.085]))
      .dataSync()[0]!;
  expect(Math.abs(slopeOf(0))).toBeLessThan(1e-3);
  expect(slopeOf(500)).toBeCloseTo(500, 2);
});

test('its gradient, where the errors are of the size of 1', () => {
  const wide = { winnerReferenceError: [0.5], loserReferenceError: [1], beta: 3 };
  expect(pairLoss(0.3, wide)).toHaveFiniteDifferences(tf.tensor1d([0.7, 0.4]), 1e-4);
});

test('what cannot be computed is refused', () => {
  const errors = { winnerError: atReference(), loserError: tf.tensor1d([0.1]) };
  expect(() => diffusionPreference({ ...errors, ...references, beta })).toThrow(
    'winnerReferenceError [1] and winnerError [2] must have the same shape [rows].',
  );
  expect(() => pairLoss(0, { ...references, beta: 0 })(moved())).toThrow(/beta.*above 0, got 0/);
  expect(() => pairLoss(-1)(moved())).toThrow(/sftWeight.*at least 0, got -1/);
});
