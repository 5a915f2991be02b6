import * as tf from '@tensorflow/tfjs-core';
import { expectEqual, normal } from '../testing/equal-functions';
import { composedAttend } from './attend-composed';
import { attentionPiece, attentionScoresAtOnce } from './attention-piece';
import { mergeHeads, splitHeads } from './attention';

const [batch, heads, channels] = [2, 3, 12];

function plainAttention(q: tf.Tensor, k: tf.Tensor, v: tf.Tensor): tf.Tensor {
  const [query, key, value] = [q, k, v].map((t) =>
    splitHeads(tf.reshape(t, [batch, -1, channels]), heads),
  ) as [tf.Tensor4D, tf.Tensor4D, tf.Tensor4D];
  const probabilities = tf.softmax(tf.matMul(query, key, false, true));
  return tf.reshape(mergeHeads(tf.matMul(probabilities, value)), [-1, channels]);
}

// Scores at once: all 150, those of four and of one of the six heads, three and two queries of a head, one, less than one.
test.each([1000, 100, 25, 15, 10, 5, 1])(
  'it is softmax(q kᵀ) v per head, of the tokens themselves (%i scores at once)',
  (atOnce) => {
    expectEqual(
      (packed) => composedAttend([packed as tf.Tensor2D], { batch, heads }, atOnce),
      (packed) => {
        const [q, k, v] = tf.split(packed, 3, 1) as [tf.Tensor, tf.Tensor, tf.Tensor];
        return plainAttention(q, k, v);
      },
      [normal(batch * 5, 3 * channels)],
    );
  },
);

test.each([1000, 70, 21, 7])(
  'it is softmax(q kᵀ) v per head, of a context (%i scores at once)',
  (atOnce) => {
    expectEqual(
      (q, kv) => composedAttend([q as tf.Tensor2D, kv as tf.Tensor2D], { batch, heads }, atOnce),
      (q, kv) => {
        const [k, v] = tf.split(kv, 2, 1) as [tf.Tensor, tf.Tensor];
        return plainAttention(q, k, v);
      },
      [normal(batch * 5, channels), normal(batch * 7, 2 * channels)],
    );
  },
);

test.each([
  [1, 'itself'],
  [4, 'itself'],
  [1, 'a context'],
])(
  'the scores of %i head(s) are never held at once, for the gradient neither (to %s)',
  async (heads, to) => {
    const tokens = 256;
    const width = 4 * heads;
    // An eighth of one head's.
    const atOnce = tokens ** 2 / 8;
    const inputs =
      to === 'itself'
        ? [normal(tokens, 3 * width)]
        : [normal(tokens, width), normal(tokens, 2 * width)];
    const take = (): tf.Tensor[] =>
      tf.grads((...packed) =>
        tf.sum(composedAttend(packed as tf.Tensor2D[], { batch: 1, heads }, atOnce)),
      )(inputs);
    tf.dispose(take());
    const before = tf.memory();
    let gradients: tf.Tensor[] = [];
    const { peakBytes } = await tf.profile(() => {
      gradients = take();
      return gradients;
    });
    // The scores, their softmax, and its gradient's four; and tensors of a number per token and channel, of which there are many.
    expect(peakBytes - before.numBytes).toBeLessThan(4 * (6 * atOnce + 40 * tokens * width));
    tf.dispose(gradients);
    expect(tf.memory().numTensors).toBe(before.numTensors);
  },
);

test('a gradient of the queries alone costs none of keys and values', async () => {
  const [q, kv] = [normal(batch * 5, channels), normal(batch * 7, 2 * channels)];
  // All scores at once.
  const attendOnce = (x: tf.Tensor): tf.Tensor2D =>
    composedAttend([x as tf.Tensor2D, kv as tf.Tensor2D], { batch, heads }, 1000);
  const { kernels } = await tf.profile(() => tf.grad((x) => tf.sum(attendOnce(x)))(q));
  // Forward scores and output; backward the scores' gradient and the queries'.
  expect(kernels.filter(({ name }) => name === tf.BatchMatMul)).toHaveLength(4);
});

describe('a piece', () => {
  test.each([
    // A UNet at 512², eight heads of two rows: all of one level, four heads of another.
    [
      { heads: 16, queries: 1024, keys: 1024 },
      { heads: 16, queries: 1024 },
    ],
    [
      { heads: 16, queries: 4096, keys: 4096 },
      { heads: 1, queries: 4096 },
    ],
    // 3 of 2^24 / 2304² = 3.16 heads.
    [
      { heads: 8, queries: 2304, keys: 2304 },
      { heads: 3, queries: 2304 },
    ],
    // The middle of an autoencoder at 1024²: 16 pieces of its only head, and of a size that does not divide.
    [
      { heads: 1, queries: 16384, keys: 16384 },
      { heads: 1, queries: 1024 },
    ],
    [
      { heads: 1, queries: 15876, keys: 15876 },
      { heads: 1, queries: 993 },
    ],
    [
      { heads: 2, queries: 10, keys: 2 ** 25 },
      { heads: 1, queries: 1 },
    ],
  ])('of %j is %j', (shape, piece) => {
    expect(attentionPiece(shape)).toEqual(piece);
    expect(attentionScoresAtOnce(shape)).toBe(piece.heads * piece.queries * shape.keys);
  });

  test('never has more scores than asked for', () => {
    for (const heads of [1, 2, 3, 7, 16]) {
      for (const [queries, keys] of [
        [5, 7],
        [64, 64],
        [33, 2],
      ] as const) {
        for (let limit = keys; limit <= 3 * heads * queries * keys; limit += 97) {
          const piece = attentionPiece({ heads, queries, keys }, limit);
          expect(piece.heads * piece.queries * keys).toBeLessThanOrEqual(limit);
        }
      }
    }
  });
});

test('splitHeads gives each head its neighbouring channels, mergeHeads puts them back', () => {
  const x = tf.tensor3d([0, 1, 2, 3, 4, 5, 6, 7], [1, 2, 4]);
  const heads = splitHeads(x, 2);
  expect(heads.arraySync()).toEqual([
    [
      [
        [0, 1],
        [4, 5],
      ],
      [
        [2, 3],
        [6, 7],
      ],
    ],
  ]);
  expect(mergeHeads(heads).arraySync()).toEqual(x.arraySync());
});
