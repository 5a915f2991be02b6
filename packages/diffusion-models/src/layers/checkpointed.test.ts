import * as tf from '@tensorflow/tfjs-core';
import { expectEqual, normal } from '../testing/equal-functions';
import { checkpointed } from './checkpointed';

const block = (x: tf.Tensor, weight: tf.Tensor): tf.Tensor =>
  tf.tanh(tf.matMul(x as tf.Tensor2D, weight as tf.Tensor2D));

test('a checkpointed block has the value and the gradients of the block', () => {
  expectEqual((x, weight) => checkpointed([x, weight], block), block, [normal(3, 4), normal(4, 4)]);
});

test('only its inputs are kept for the gradient, however much is in the block', () => {
  const [x, weight] = [normal(30, 4), normal(4, 4)];
  const kept = (blocks: number, checkpoint: boolean): number => {
    const several = (input: tf.Tensor, own: tf.Tensor): tf.Tensor =>
      Array.from({ length: blocks }).reduce<tf.Tensor>((hidden) => block(hidden, own), input);
    let bytes = NaN;
    tf.grad((input) => {
      const before = tf.memory().numBytes;
      const output = checkpoint ? checkpointed([input, weight], several) : several(input, weight);
      bytes = tf.memory().numBytes - before;
      return output;
    })(x);
    return bytes;
  };
  expect(kept(8, true)).toBe(kept(1, true));
  expect(kept(8, false)).toBeGreaterThan(8 * kept(1, true));
});

test('the outer tape is there again, also after a block that fails the second time', () => {
  let calls = 0;
  const failing = (x: tf.Tensor): tf.Tensor => {
    calls += 1;
    if (calls === 2) throw new Error('out of memory');
    return tf.square(x);
  };
  let tape: unknown;
  const take = () =>
    tf.grad((x) => {
      const output = checkpointed([x], failing);
      tape = tf.engine().state.activeTape;
      return output;
    })(tf.tensor1d([1, 2]));
  expect(take).toThrow('out of memory');
  expect(tape).not.toBeNull();
  expect(tf.engine().state.activeTape).toBe(tape);
  // And another gradient is taken as ever.
  expect(take().arraySync()).toEqual([2, 4]);
});
