import * as tf from '@tensorflow/tfjs-core';
import { advantageWeightedMatching } from './advantage-weighted-matching';
import { denoisingError } from './denoising-error';
import { diffusionPreference } from './diffusion-preference';
import { fourthRootScore } from './fourth-root-score';
import { negativeAwareFineTuning } from './negative-aware-fine-tuning';
import { weightedDenoising } from './weighted-denoising';

const zeros = () => tf.tensor1d([0, 0]);
const references = { winnerReferenceError: [0, 0], loserReferenceError: [0, 0] };

test.each<[string, (given: tf.Tensor1D) => tf.Tensor]>([
  ['denoisingError', (prediction) => denoisingError(prediction, zeros())],
  ['weightedDenoising', (error) => weightedDenoising({ error, weights: [1, 2] })],
  [
    'diffusionPreference',
    (winnerError) =>
      diffusionPreference({ winnerError, loserError: zeros(), ...references, beta: 1 }),
  ],
  [
    'negativeAwareFineTuning',
    (predicted) => {
      const images = { predicted, oldPredicted: zeros(), original: zeros() };
      return negativeAwareFineTuning({ ...images, optimality: [0, 1], beta: 1 });
    },
  ],
  [
    'advantageWeightedMatching',
    (score) =>
      advantageWeightedMatching({ score, oldScore: zeros(), advantages: [1, -1], clipRange: 1 }),
  ],
  ['fourthRootScore', (error) => fourthRootScore(error, 0.5)],
])('%s says what to import for a gradient, and only for one', (_, f) => {
  const x = tf.tensor1d([0.1, 0.2]);
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
