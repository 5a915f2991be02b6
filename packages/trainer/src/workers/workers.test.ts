import * as tf from '@tensorflow/tfjs-core';

import { workersTogether } from '../testing/workers-together';
import { ALONE, shareOf, WorkerLeft, type Workers } from './workers';

test.each([
  [5, 2, [2, 3]],
  [2, 3, [0, 1, 1]],
  [16, 4, [4, 4, 4, 4]],
  [0, 2, [0, 0]],
])('%d things in %d shares', (count, size, counts) => {
  const shares = counts.map((_, rank) => shareOf({ rank, size }, count));
  expect(shares.map((share) => share.count)).toEqual(counts);
  let first = 0;
  for (const share of shares) {
    expect(share.first).toBe(first);
    first += share.count;
  }
  expect(first).toBe(count);
});

/** What came of each, in words where it failed. */
async function outcomes(works: readonly Promise<unknown>[]): Promise<unknown[]> {
  const ends = await Promise.allSettled(works);
  return ends.map((end) => (end.status === 'fulfilled' ? end.value : String(end.reason)));
}

const vector = (...values: number[]) => tf.tensor1d(values);
const valuesOf = async (result: Promise<tf.Tensor1D>): Promise<number[]> => {
  const tensor = await result;
  const values = tensor.arraySync();
  tensor.dispose();
  return values;
};

describe('together', () => {
  it('each has what all have given', async () => {
    const before = tf.memory().numTensors;
    const calls = async (one: Workers) => {
      const gathered = await one.gather({ rank: one.rank, gap: undefined, none: Number.NaN });
      const sum = await valuesOf(one.sum(vector(one.rank, 1)));
      const sent = await valuesOf(one.broadcast(vector(one.rank, Number.NaN)));
      await one.end();
      expect(one.seconds).toBeGreaterThan(0);
      return [gathered, sum, sent];
    };
    const all = await Promise.all(workersTogether(3).map(calls));
    const gathered = [0, 1, 2].map((rank) => ({ rank, gap: undefined, none: Number.NaN }));
    for (const own of all) expect(own).toEqual([gathered, [3, 3], [0, Number.NaN]]);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('where one cannot go on, none does, whatever it is about to do', async () => {
    const [one, other, third, last] = workersTogether(4);
    const before = tf.memory().numTensors;
    const told = 'UserError: Worker 1 cannot go on: no luck';
    const leaving = other!.leave({ problem: 'no luck' });
    expect(
      await outcomes([one!.gather(1), leaving, third!.sum(vector(1, 2)), last!.end()]),
    ).toEqual([told, undefined, told, told]);
    expect(tf.memory().numTensors).toBe(before);
    await expect(one!.gather(1)).rejects.toThrow('The workers have ended; no gather can follow.');
  });

  it('tells one that fails from one that was ended', async () => {
    const [one, ended, failed] = workersTogether(3);
    const works = [
      one!.gather(1),
      ended!.leave({ problem: undefined }),
      failed!.leave({ problem: 'no luck' }),
    ];
    expect(await outcomes(works)).toEqual([
      'UserError: Worker 2 cannot go on: no luck',
      undefined,
      undefined,
    ]);
    const [first, interrupted] = workersTogether(2);
    const waiting = first!.end();
    await interrupted!.leave({ problem: undefined });
    await expect(waiting).rejects.toThrow(
      expect.objectContaining({ interrupted: true, message: 'Worker 1 was ended' }),
    );
    await expect(waiting).rejects.toBeInstanceOf(WorkerLeft);
  });

  it.each([
    ['call', (one: Workers) => one.gather(1), 'worker 0 calls gather of 0, worker 1 sum of 2'],
    ['length', (one: Workers) => one.sum(vector(1)), 'worker 0 calls sum of 1, worker 1 sum of 2'],
  ])('another %s is told, not waited for', async (_, call, told) => {
    const [one, other] = workersTogether(2);
    const [own] = await outcomes([call(one!), other!.sum(vector(1, 2))]);
    expect(own).toBe(`Error: The workers are out of step: ${told}.`);
  });
});

it('one alone has what it gives', async () => {
  const given = vector(1, 2);
  expect(await ALONE.sum(given)).toBe(given);
  expect(await ALONE.broadcast(given)).toBe(given);
  expect(await ALONE.gather(3)).toEqual([3]);
  await ALONE.leave({ problem: 'any' });
  await ALONE.end();
  given.dispose();
});
