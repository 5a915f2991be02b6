import * as tf from '@tensorflow/tfjs-core';
import { advantageInducedAlignment } from './advantage-induced-alignment';
import { alignedFineTuning } from './aligned-fine-tuning';
import { clippedSurrogate } from './clipped-surrogate';
import { directPreference } from './direct-preference';
import { klToReference } from './kl-to-reference';
import { lowerBoundObjective } from './lower-bound-objective';
import { reinforce } from './reinforce';

const oldLogProb = [0, 0.1, 0];
const advantages = [1, -2, 0.7];
const row = () => tf.tensor1d([0.1, -0.3, 0.2]);
const surrogate = () => ({ logProb: row(), oldLogProb, advantages, clipRange: 0.1 });
const alignment = () => ({ logProb: row(), anchorLogProb: oldLogProb, advantages, lambda: 2 });
const bound = () => ({ logProb: row(), oldLogProb, rewards: [0, 1, 2] });
const asft = () => ({
  logProb: row(),
  logOdds: row(),
  preferences: [1, -1, 0],
  lambda: 1,
  beta: 2,
  sftWeight: 0.5,
});
const pairs = () => ({
  winnerLogRatio: row(),
  loserLogRatio: tf.tensor1d(oldLogProb),
  winnerLogProb: row(),
  beta: 3,
  sftWeight: 0.5,
});
const gaussians = () => ({
  mean: tf.tensor2d([1, 2, 3, 4, 5, 6], [3, 2]),
  referenceMean: tf.tensor2d([1, 2, 3, 3, 4, 5], [3, 2]),
  sigma: [0.5, 1, 2],
});

/** Each reduction by its own call, so that the types are held to as well. */
const objectives: [string, () => tf.Tensor1D, () => tf.Scalar][] = [
  [
    'clippedSurrogate',
    () => clippedSurrogate({ ...surrogate(), advantageClip: 1.5, reduction: 'none' }),
    () => clippedSurrogate({ ...surrogate(), advantageClip: 1.5 }),
  ],
  [
    'reinforce',
    () => reinforce({ logProb: row(), advantages, reduction: 'none' }),
    () => reinforce({ logProb: row(), advantages }),
  ],
  [
    'klToReference',
    () => klToReference({ ...gaussians(), reduction: 'none' }),
    () => klToReference({ ...gaussians(), reduction: 'mean' }),
  ],
  [
    'advantageInducedAlignment',
    () => advantageInducedAlignment({ ...alignment(), reduction: 'none' }),
    () => advantageInducedAlignment(alignment()),
  ],
  [
    'lowerBoundObjective',
    () => lowerBoundObjective({ ...bound(), reduction: 'none' }),
    () => lowerBoundObjective({ ...bound(), reduction: 'mean' }),
  ],
  [
    'alignedFineTuning',
    () => alignedFineTuning({ ...asft(), reduction: 'none' }),
    () => alignedFineTuning(asft()),
  ],
  [
    'directPreference',
    () => directPreference({ ...pairs(), reduction: 'none' }),
    () => directPreference(pairs()),
  ],
];

test.each(objectives)('%s gives its mean or a loss per row', (_, perRow, averaged) => {
  const [rows, mean] = [perRow(), averaged()];
  expect(rows.shape).toEqual([3]);
  expect(mean.shape).toEqual([]);
  const values = Array.from(rows.dataSync());
  expect(new Set(values).size).toBe(3);
  expect(mean.dataSync()[0]).toBeCloseTo((values[0]! + values[1]! + values[2]!) / 3, 6);
});

test('nothing is left behind', () => {
  const [first, second, third] = [surrogate(), alignment(), bound()];
  const [fourth, fifth, sixth] = [asft(), pairs(), gaussians()];
  const before = tf.memory().numTensors;
  tf.dispose([
    clippedSurrogate(first),
    advantageInducedAlignment(second),
    lowerBoundObjective({ ...third, reduction: 'none' }),
    alignedFineTuning(fourth),
    directPreference(fifth),
    klToReference(sixth),
  ]);
  expect(tf.memory().numTensors).toBe(before);
});

test('another word is refused, not taken for a mean', () => {
  const reduction = 'sum' as 'mean';
  expect(() => clippedSurrogate({ ...surrogate(), reduction })).toThrow(
    'reduction must be one of mean, none, got sum.',
  );
});
