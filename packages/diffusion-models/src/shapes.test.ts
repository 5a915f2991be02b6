import * as tf from '@tensorflow/tfjs-core';
import { checkWeights } from './shapes';

const shapes = { 'a.weight': [2, 3], 'a.bias': [2] };

test('weights that fit pass', () => {
  const weights = { 'a.weight': tf.zeros([2, 3]), 'a.bias': tf.zeros([2]) };
  expect(() => checkWeights('unet', weights, shapes)).not.toThrow();
});

test('every problem is named', () => {
  const weights = { 'a.weight': tf.zeros([3, 2]), 'b.weight': tf.zeros([1]) };
  expect(() => checkWeights('unet', weights, shapes)).toThrow(
    'the weights of unet do not fit its config: "a.weight" has shape [3, 2], expected [2, 3]; ' +
      '"a.bias" is missing; "b.weight" is unknown',
  );
});
