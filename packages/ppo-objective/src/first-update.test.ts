/** Before the first update every ratio is 1, and methods that differ later take the same step. */

import * as tf from '@tensorflow/tfjs-core';
import { advantageInducedAlignment } from './advantage-induced-alignment';
import { clippedSurrogate } from './clipped-surrogate';
import { lowerBoundObjective } from './lower-bound-objective';
import { policyRatio } from './policy-ratio';
import { reinforce } from './reinforce';
import { sampleDropoutMask } from './sample-dropout-mask';

const oldLogProb = [-1.25, 0.5, 2.75, -0.5];
// Leave-one-out of the rewards 1, 2, 4, 9.
const advantages = [-4, -8 / 3, 0, 20 / 3];

const clipped = (logProb: tf.Tensor1D) =>
  clippedSurrogate({ logProb, oldLogProb, advantages, clipRange: 1e-4, reduction: 'none' });

test.each<[string, (logProb: tf.Tensor1D) => tf.Tensor]>([
  ['the clipped surrogate', (logProb) => tf.mean(clipped(logProb))],
  [
    'Sample Dropout',
    (logProb) => {
      const ratio = policyRatio(logProb, tf.tensor1d(oldLogProb));
      const mask = sampleDropoutMask({ ratio, delta: 1e-6, side: 'both' });
      return tf.div(tf.sum(tf.mul(mask, clipped(logProb))), tf.sum(mask));
    },
  ],
  ...[0.1, 1250].map((lambda): [string, (logProb: tf.Tensor1D) => tf.Tensor] => [
    `APA with λ = ${lambda}`,
    (logProb) =>
      advantageInducedAlignment({ logProb, anchorLogProb: oldLogProb, advantages, lambda }),
  ]),
  [
    'the lower bound',
    (logProb) => lowerBoundObjective({ logProb, oldLogProb, rewards: advantages }),
  ],
])('%s has the gradient of REINFORCE', (_, f) => {
  const gradientOf = (loss: (logProb: tf.Tensor1D) => tf.Tensor) =>
    tf.grad((x) => loss(x as tf.Tensor1D))(tf.tensor1d(oldLogProb));
  const expected = gradientOf((logProb) => reinforce({ logProb, advantages }));
  expect(expected).toBeGradient(tf.tensor1d(advantages.map((advantage) => -advantage / 4)), 1e-6);
  expect(gradientOf(f)).toBeGradient(expected, 1e-6);
});
