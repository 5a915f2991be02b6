import * as tf from '@tensorflow/tfjs-core';
import { clippedSurrogate } from './clipped-surrogate';
import { klToReference } from './kl-to-reference';
import { reinforce } from './reinforce';

test.each<[string, (given: tf.Tensor1D) => tf.Scalar]>([
  ['reinforce', (logProb) => reinforce({ logProb, advantages: [1, -1] })],
  [
    'clippedSurrogate',
    (logProb) =>
      clippedSurrogate({ logProb, oldLogProb: [0, 0], advantages: [1, -1], clipRange: 0.1 }),
  ],
  ['klToReference', (mean) => klToReference({ mean, referenceMean: tf.zeros([2]), sigma: 1 })],
])('%s says what to import for a gradient, and only for one', (_, f) => {
  const x = tf.tensor1d([0.1, 0.2]);
  const take = () => tf.grad((given) => f(given as tf.Tensor1D))(x);
  const known = tf.getGradient(tf.Multiply);
  tf.unregisterGradient(tf.Multiply);
  try {
    expect(take).toThrow(
      /npm install @tensorflow\/tfjs-layers.*tfjs-core\/dist\/register_all_gradients/,
    );
    expect(f(x).shape).toEqual([]);
  } finally {
    tf.registerGradient(known);
  }
  expect(take().shape).toEqual([2]);
});
