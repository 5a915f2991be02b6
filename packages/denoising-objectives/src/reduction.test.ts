import * as tf from '@tensorflow/tfjs-core';
import { advantageWeightedMatching } from './advantage-weighted-matching';
import { denoisingError } from './denoising-error';
import { diffusionPreference } from './diffusion-preference';
import { fourthRootScore } from './fourth-root-score';
import { negativeAwareFineTuning } from './negative-aware-fine-tuning';
import { weightedDenoising } from './weighted-denoising';

const weighted = () => ({ error: tf.tensor1d([0.1, 0.3, 0.2]), weights: [1, 2, 0.3] });
const pairs = () => ({
  winnerError: tf.tensor1d([0.1, 0.3, 0.2]),
  loserError: tf.tensor1d([0.2, 0.2, 0.6]),
  winnerReferenceError: [0.2, 0.2, 0.2],
  loserReferenceError: [0.3, 0.1, 0],
  beta: 10,
  sftWeight: 1,
});
const images = () => ({
  predicted: tf.tensor2d([1, 2, 3, 4, 5, 6], [3, 2]),
  oldPredicted: tf.tensor2d([1, 2, 3, 3, 4, 5], [3, 2]),
  original: tf.tensor2d([0, 2, 2, 4, 4, 7], [3, 2]),
  optimality: [0, 0.4, 1],
  beta: 0.5,
});
const matching = () => ({
  score: tf.tensor1d([0.1, 0.3, 0.2]),
  oldScore: [0, 0.2, 0.3],
  advantages: [1, -2, 3],
  clipRange: 1,
});

/** Each reduction by its own call, so that the types are held to as well. */
const objectives: [string, () => tf.Tensor1D, () => tf.Scalar][] = [
  [
    'weightedDenoising',
    () => weightedDenoising({ ...weighted(), reduction: 'none' }),
    () => weightedDenoising(weighted()),
  ],
  [
    'diffusionPreference',
    () => diffusionPreference({ ...pairs(), reduction: 'none' }),
    () => diffusionPreference(pairs()),
  ],
  [
    'negativeAwareFineTuning',
    () => negativeAwareFineTuning({ ...images(), reduction: 'none' }),
    () => negativeAwareFineTuning({ ...images(), reduction: 'mean' }),
  ],
  [
    'advantageWeightedMatching',
    () => advantageWeightedMatching({ ...matching(), reduction: 'none' }),
    () => advantageWeightedMatching(matching()),
  ],
];

test.each(objectives)('%s gives its mean or a loss per row', (_, perRow, averaged) => {
  const [rows, mean] = [perRow(), averaged()];
  expect(rows.shape).toEqual([3]);
  expect(mean.shape).toEqual([]);
  const values = Array.from(rows.dataSync());
  expect(new Set(values).size).toBe(3);
  expect(mean.dataSync()[0]).toBeCloseTo((values[0]! + values[1]! + values[2]!) / 3, 5);
});

test('another word is refused, not taken for a mean', () => {
  const reduction = 'sum' as 'mean';
  expect(() => weightedDenoising({ ...weighted(), reduction })).toThrow(
    'reduction must be one of mean, none, got sum.',
  );
});

test('nothing is left behind', () => {
  const [first, second, third, fourth] = [weighted(), pairs(), images(), matching()];
  const before = tf.memory().numTensors;
  tf.dispose([
    weightedDenoising(first),
    diffusionPreference(second),
    negativeAwareFineTuning(third),
    advantageWeightedMatching(fourth),
    fourthRootScore(first.error, [0.1, 0.5, 0.9]),
    denoisingError(third.predicted, third.original),
  ]);
  expect(tf.memory().numTensors).toBe(before);
});
