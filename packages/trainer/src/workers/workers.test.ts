import { workersTogether } from '../testing/workers-together';
import { inStep } from './in-step';
import { ALONE, shareOf } from './workers';

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

describe('in step', () => {
  const failing = async (): Promise<number> => Promise.reject(new TypeError('no luck'));

  it('each has what all have found', async () => {
    const [one, other] = workersTogether(2);
    const found = [inStep(one!, async () => Number.NaN), inStep(other!, async () => 2)];
    expect(await Promise.all(found)).toEqual([
      [Number.NaN, 2],
      [Number.NaN, 2],
    ]);
    expect(await inStep(ALONE, async () => 3)).toEqual([3]);
  });

  it('where one cannot go on, none does', async () => {
    const [one, other, third] = workersTogether(3);
    const ends = [
      inStep(one!, async () => 1),
      inStep(other!, failing),
      inStep(third!, async () => 1),
    ];
    const reasons = (await Promise.allSettled(ends)).map((end) =>
      'reason' in end ? String(end.reason) : '',
    );
    const told = 'UserError: Worker 1 cannot go on: no luck';
    expect(reasons).toEqual([told, 'TypeError: no luck', told]);
    await expect(inStep(ALONE, failing)).rejects.toThrow('no luck');
  });
});
