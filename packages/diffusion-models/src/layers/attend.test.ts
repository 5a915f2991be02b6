import type * as tf from '@tensorflow/tfjs-core';
import { expectEqual, normal } from '../testing/equal-functions';
import { attend } from './attend';
import { composedAttend } from './attend-composed';

const size = { batch: 2, heads: 3 };
const channels = 12;

test.each([
  ['the tokens themselves', [[2 * 5, 3 * channels]]],
  [
    'a context',
    [
      [2 * 5, channels],
      [2 * 7, 2 * channels],
    ],
  ],
])('attention to %s is the same whatever computes it', (_, shapes) => {
  expectEqual(
    (...packed) => attend(packed as tf.Tensor2D[], size),
    (...packed) => composedAttend(packed as tf.Tensor2D[], size),
    shapes.map((shape) => normal(...shape)),
  );
});
