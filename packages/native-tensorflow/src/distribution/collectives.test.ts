/** Without a cluster; with one: workers.test.ts. */
import * as tf from '@tensorflow/tfjs-core';
import {
  allGather,
  allGatherNumbers,
  allReduce,
  allReduceNumbers,
  barrier,
  broadcast,
  clusterInfo,
  gatherRows,
  type ReduceOptions,
} from './collectives';

it('is worker 0 of 1', () => {
  expect(clusterInfo()).toEqual({ rank: 0, size: 1, workers: [] });
});

it('the only worker has what all have', async () => {
  const before = tf.memory().numTensors;
  const x = tf.tensor2d([[1, 2.5]]);
  const n = tf.tensor1d([3, 4], 'int32');
  for (const reduction of ['sum', 'mean', 'min', 'max'] as const) {
    const reduced = await allReduce(x, { reduction });
    expect(reduced.arraySync()).toEqual([[1, 2.5]]);
    reduced.dispose();
  }
  const [same, integers, none] = await allReduce([x, n, tf.zeros([0, 2])] as const);
  expect(same.arraySync()).toEqual([[1, 2.5]]);
  expect([integers.dtype, integers.arraySync()]).toEqual(['int32', [3, 4]]);
  expect(none.shape).toEqual([0, 2]);
  const gathered = await allGather(x);
  expect(gathered.arraySync()).toEqual([[1, 2.5]]);
  const flags = await allGather(tf.tensor1d([true, false], 'bool'));
  expect([flags.dtype, flags.arraySync()]).toEqual(['bool', [1, 0]]);
  const sent = await broadcast(n, 0);
  expect(sent.arraySync()).toEqual([3, 4]);
  await barrier();
  // The tensors of this test, two of which have no name.
  expect(tf.memory().numTensors - before).toBe(10);
});

it('numbers come back to the last bit', async () => {
  const numbers = [0.1, -0, Number.MIN_VALUE, 2 ** 53 - 1, Infinity];
  expect(await allGatherNumbers(numbers)).toEqual([numbers]);
  expect(await allReduceNumbers(numbers)).toEqual(numbers);
  expect(await allGatherNumbers([])).toEqual([[]]);
});

it('tensors may be disposed of right after the call', async () => {
  const x = tf.tensor1d([1, 2]);
  const sum = allReduce(x);
  x.dispose();
  const result = await sum;
  expect(result.arraySync()).toEqual([1, 2]);
  result.dispose();
});

it('rows come in the order of ranks, whatever TensorFlow puts first', async () => {
  const own = tf.tensor2d([[1, 2]]);
  const other = tf.tensor2d([
    [3, 4],
    [5, 6],
  ]);
  const gather = async (x: tf.Tensor) => {
    // Its shape is that of [rank, type, dimensions, …sizes]: the other worker is the second one, and stands first.
    if (x.dtype === 'int32')
      return tf.concat([tf.tensor1d([1, 0, 2, 2, 2, 0, 0, 0, 0], 'int32'), x]);
    return tf.concat([other, x]);
  };
  const rows = await gatherRows({ gather }, own);
  expect(rows.arraySync()).toEqual([
    [1, 2],
    [3, 4],
    [5, 6],
  ]);
});

it.each<[string, () => Promise<unknown>, string]>([
  [
    'a sum of flags',
    () => allReduce(tf.tensor1d([true], 'bool')),
    'allReduce takes tensors of float32 and int32, and was given one of bool.',
  ],
  [
    'a mean of integers',
    () => allReduce([tf.tensor1d([1]), tf.tensor1d([1], 'int32')], { reduction: 'mean' }),
    'allReduce takes tensors of float32 for a mean, and was given one of int32.',
  ],
  [
    'a reduction that there is not',
    () => allReduce(tf.tensor1d([1]), { reduction: 'median' } as unknown as ReduceOptions),
    'reduction is "median", but must be sum, mean, min or max.',
  ],
  [
    'texts',
    () => allGather(tf.tensor1d(['a'])),
    'allGather takes tensors of float32, int32 and bool, and was given one of string.',
  ],
  [
    'scalars to put behind one another',
    () => allGather(tf.scalar(1)),
    'allGather takes tensors of 1 to 6 dimensions, and was given one of 0.',
  ],
  [
    'a worker that there is not',
    () => broadcast(tf.scalar(1), 1),
    'broadcast is from worker 1, but there are 1, counted from 0.',
  ],
  [
    'a time that is none',
    () => barrier({ timeoutSeconds: -1 }),
    'timeoutSeconds is -1, but must be more than 0 and at most 86400.',
  ],
  [
    'a hint that is none',
    () => barrier({ communicationHint: 'mpi' } as unknown as ReduceOptions),
    'communicationHint is "mpi", but must be auto, ring, nccl.',
  ],
])('refuses %s', async (_, call, sentence) => {
  await expect(call()).rejects.toThrow(sentence);
});
