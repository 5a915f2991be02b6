import * as tf from '@tensorflow/tfjs-core';
import { advantageInducedAlignment } from './advantage-induced-alignment';
import { alignedFineTuning } from './aligned-fine-tuning';
import { clippedSurrogate } from './clipped-surrogate';
import { directPreference } from './direct-preference';
import { gaussianKernelLogProb } from './gaussian-kernel-log-prob';
import { guardedRatio } from './guarded-ratio';
import { klToReference } from './kl-to-reference';
import { logOdds } from './log-odds';
import { lowerBoundObjective } from './lower-bound-objective';
import { reinforce } from './reinforce';

const zeros = () => tf.tensor1d([0, 0]);
const advantages = [1, -1];
const pair = { preferences: [1, -1], lambda: 1, beta: 1, sftWeight: 1 };

test.each<[string, (given: tf.Tensor1D) => tf.Tensor]>([
  ['reinforce', (logProb) => reinforce({ logProb, advantages })],
  [
    'clippedSurrogate',
    (logProb) => clippedSurrogate({ logProb, oldLogProb: [0, 0], advantages, clipRange: 0.1 }),
  ],
  ['klToReference', (mean) => klToReference({ mean, referenceMean: zeros(), sigma: 1 })],
  [
    'advantageInducedAlignment',
    (logProb) =>
      advantageInducedAlignment({ logProb, anchorLogProb: zeros(), advantages, lambda: 1 }),
  ],
  [
    'lowerBoundObjective',
    (logProb) => lowerBoundObjective({ logProb, oldLogProb: zeros(), rewards: [1, 2] }),
  ],
  ['gaussianKernelLogProb', (mean) => gaussianKernelLogProb({ value: zeros(), mean, sigma: 1 })],
  ['logOdds', (logProb) => logOdds(logProb)],
  ['alignedFineTuning', (logProb) => alignedFineTuning({ logProb, logOdds: logProb, ...pair })],
  [
    'directPreference',
    (winnerLogRatio) => directPreference({ winnerLogRatio, loserLogRatio: zeros(), beta: 1 }),
  ],
  [
    'guardedRatio',
    (logProb) => guardedRatio({ logProb, oldLogProb: zeros(), meanShift: logProb, sigma: 1 }),
  ],
])('%s says what to import for a gradient, and only for one', (_, f) => {
  const x = tf.tensor1d([-0.1, -0.2]);
  const take = () => tf.grad((given) => f(given as tf.Tensor1D))(x);
  const known = tf.getGradient(tf.Multiply);
  tf.unregisterGradient(tf.Multiply);
  try {
    expect(take).toThrow(
      /npm install @tensorflow\/tfjs-layers.*tfjs-core\/dist\/register_all_gradients/,
    );
    expect(f(x).size).toBeGreaterThan(0);
  } finally {
    tf.registerGradient(known);
  }
  expect(take().shape).toEqual([2]);
});
