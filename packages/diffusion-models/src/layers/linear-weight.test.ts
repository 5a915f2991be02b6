import * as tf from '@tensorflow/tfjs-core';
import { expectEqual, normal } from '../testing/equal-functions';
import { linearWith } from './linear';
import {
  halveWeight,
  joinWeights,
  linearWeight,
  scaleWeight,
  type LinearWeight,
} from './linear-weight';

const scale = 3;
function adapted(weight: tf.Tensor, down: tf.Tensor, up: tf.Tensor): LinearWeight {
  const [rank] = down.shape as [number];
  const lora = {
    config: { rank, alpha: scale * rank, targets: ['l'] },
    weights: { 'l.lora.down.weight': down, 'l.lora.up.weight': up },
  };
  return linearWeight({ weights: { 'l.weight': weight }, lora }, 'l');
}
const plain = (weight: tf.Tensor): LinearWeight => ({ weight: weight as tf.Tensor2D });

/** The layer as peft computes it: W x + (alpha / rank) up (down x). */
function besides(x: tf.Tensor, weight: tf.Tensor, down: tf.Tensor, up: tf.Tensor): tf.Tensor {
  const through = (t: tf.Tensor, matrix: tf.Tensor) => tf.matMul(t, matrix, false, true);
  return tf.add(through(x, weight), tf.mul(scale, through(through(x, down), up)));
}

test.each([
  ['a low', 2, true],
  ['too high', 3, false],
])(
  '%s rank: factors of their own are %s, %s, and the gradients are the same',
  (_, rank, isThin) => {
    const tensors = [normal(5, 8), normal(9, 8), normal(rank, 8), normal(9, rank)];
    const [, ...layer] = tensors as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor];
    expect(adapted(...layer).factors !== undefined).toBe(isThin);
    expectEqual((x, w, down, up) => linearWith(x, adapted(w, down, up)), besides, tensors);
  },
);

test('the weight of several layers side by side, of which one has no adapter', () => {
  expectEqual(
    (x, w1, down1, up1, w2, w3, down3, up3) =>
      linearWith(x, joinWeights([adapted(w1, down1, up1), plain(w2), adapted(w3, down3, up3)])),
    (x, w1, down1, up1, w2, w3, down3, up3) =>
      tf.concat(
        [besides(x, w1, down1, up1), tf.matMul(x, w2, false, true), besides(x, w3, down3, up3)],
        1,
      ),
    [
      ...[normal(5, 8), normal(9, 8), normal(2, 8), normal(9, 2)],
      ...[normal(4, 8), normal(10, 8), normal(1, 8), normal(10, 1)],
    ],
  );
});

test('halves of a weight, scaled', () => {
  expectEqual(
    (x, w, down, up) => {
      const [first, second] = halveWeight(scaleWeight(adapted(w, down, up), 0.5));
      return tf.mul(linearWith(x, first), linearWith(x, second));
    },
    (x, w, down, up) => {
      const [first, second] = tf.split(tf.mul(0.5, besides(x, w, down, up)), 2, 1) as [
        tf.Tensor,
        tf.Tensor,
      ];
      return tf.mul(first, second);
    },
    [normal(5, 8), normal(12, 8), normal(2, 8), normal(12, 2)],
  );
});

test('nothing is made of what no adapter changes', () => {
  const weight = normal(9, 8);
  const one = linearWeight({ weights: { 'l.weight': weight } }, 'l');
  expect(one).toEqual({ weight });
  expect(joinWeights([one])).toBe(one);
  expect(joinWeights([one, plain(normal(4, 8))]).factors).toBeUndefined();
});
