import { setTimeout as sleep } from 'node:timers/promises';

import { createCombination, notApplicable, type Reward } from '@loop-diffusion/rewards';

import { batchOf, deaf, deciding, picky, red, slow, termOf } from '../testing/example-rewards';
import type { WeightedReward } from './rewards';
import { createScoring } from './scoring';

const forever = new AbortController().signal;
const scoringOf = (rewards: WeightedReward[], signal = forever) =>
  createScoring(rewards, createCombination(rewards), signal);
const scoresOf = async (rewards: WeightedReward[], ...batches: Parameters<typeof batchOf>[]) => {
  const scoring = scoringOf(rewards);
  for (const batch of batches) scoring.add(batchOf(...batch));
  try {
    return await scoring.finish();
  } finally {
    scoring.end();
  }
};

test('scores come in the order of the images, whenever they arrive, and as of one batch', async () => {
  const rewards = [termOf(slow, { weight: 2 })];
  const scores = await scoresOf(
    rewards,
    [
      [0, 0.25],
      [0, 0],
    ],
    [
      [0.5, 1],
      [1, 1],
    ],
  );
  expect(scores.total).toEqual([0, 0.5, 1, 2]);
  expect(scores).toEqual(
    await scoresOf(rewards, [
      [0, 0.25, 0.5, 1],
      [0, 0, 1, 1],
    ]),
  );
  // Of 0, 64 (a quarter of 255, rounded), 128 and 255 in grey the first and the last are clipped.
  expect(scores.quality).toMatchObject({ clipped: 0.5, saturation: 0, colourfulness: 0 });
});

test('a failure is no score, does not count in the mean, and is told with its reason', async () => {
  const rewards = [termOf(red), termOf(picky, { weight: 0.5 })];
  const scores = await scoresOf(rewards, [[0.25, 1]]);
  expect(scores.total).toEqual([0.75, Number.NaN]);
  expect(scores.components['picky']).toBe(1);
  expect(scores.components['red']).toBeCloseTo(0.625, 6);
  expect(scores).toMatchObject({ failed: 1, notApplicable: 0, failureRate: 0.5 });
  expect(scores.failures).toEqual([
    { reward: 'picky', kind: 'refused', message: 'too red', count: 1 },
  ]);
});

test('what failed most is told first, and what is only watched last', async () => {
  const everything = deciding('everything', () => ({
    ...{ ok: false, kind: 'refused', message: 'no', retryable: false },
  }));
  const rewards = [termOf(everything, { weight: 0 }), termOf(red), termOf(picky)];
  const { failures } = await scoresOf(rewards, [[0.25, 1]]);
  expect(failures.map(({ reward, count }) => [reward, count])).toEqual([
    ['picky', 1],
    ['everything', 2],
  ]);
});

test('an optional reward that fails leaves every image of its prompt with the others alone, which is no whole sum', async () => {
  const scores = await scoresOf(
    [termOf(red), termOf(picky, { policy: 'optional' })],
    [
      [0.25, 1],
      [0, 0],
    ],
    [
      [0.25, 0.5],
      [1, 1],
    ],
  );
  expect(scores.total).toEqual([0.25, 1, 1.25, 1.5]);
  expect(scores.absolute).toEqual([Number.NaN, Number.NaN, 1.25, 1.5]);
  expect(scores).toMatchObject({ failed: 0, failureRate: 0.25 });
});

test('an optional reward that is alone and fails is no reward of 0', async () => {
  const scores = await scoresOf(
    [termOf(picky, { policy: 'optional' })],
    [
      [0.25, 1],
      [0, 1],
    ],
  );
  expect(scores.total).toEqual([1, Number.NaN]);
  expect(scores).toMatchObject({ failed: 1, failureRate: 0.5 });
});

test('what a reward does not apply to is counted, and is no failure', async () => {
  const shy = deciding('shy', (value) =>
    value > 0.5 ? notApplicable('too red') : { ok: true, value: 1 },
  );
  const scores = await scoresOf(
    [termOf(shy, { policy: 'required' })],
    [
      [0.25, 1],
      [0, 1],
    ],
  );
  expect(scores.total).toEqual([1, Number.NaN]);
  expect(scores).toMatchObject({ failed: 0, notApplicable: 1, failureRate: 0, failures: [] });
});

test('a required reward that fails is an error of one sentence', async () => {
  await expect(scoresOf([termOf(picky, { policy: 'required' })], [[0.25, 1]])).rejects.toThrow(
    'A required reward failed on 1 of 2 images; picky: too red',
  );
});

test('a reward that is only watched is reported, and neither counts nor stops anything', async () => {
  const scores = await scoresOf([termOf(red), termOf(picky, { weight: 0 })], [[0.25, 1]]);
  expect(scores.total).toEqual([0.25, 1]);
  expect(scores.values['picky']).toEqual([1, Number.NaN]);
  expect(scores).toMatchObject({ failed: 0, failureRate: 0 });
});

test('a reward that compares the images of a prompt sees each group in one call, also where two prompts read the same', async () => {
  const calls: number[] = [];
  const crowd: Reward = {
    ...red,
    name: 'crowd',
    scope: 'group',
    score: ({ images }) => {
      calls.push(images.length);
      return Promise.resolve(images.map(() => ({ ok: true, value: 1 / images.length })));
    },
  };
  const scoring = scoringOf([termOf(crowd)]);
  const { images } = batchOf([0, 0.25, 0.5, 0.75, 1]);
  const prompts = ['cat', 'cat', 'cat', 'cat', 'dog'];
  const groups = [0, 0, 1, 1, 2];
  for (const [first, end] of [
    [0, 3],
    [3, 5],
  ]) {
    scoring.add({
      images: images.slice(first, end),
      prompts: prompts.slice(first, end),
      groups: groups.slice(first, end),
    });
  }
  expect((await scoring.finish()).total).toEqual([1 / 2, 1 / 2, 1 / 2, 1 / 2, 1]);
  expect(calls).toEqual([2, 2, 1]);
});

test.each([1, 2])(
  'a reward that takes %i calls at once gets no more, however many batches are waiting',
  async (concurrency) => {
    let underWay = 0;
    const seen: number[] = [];
    const counting: Reward = {
      ...red,
      ...{ batchSize: 1, concurrency },
      async score(batch) {
        underWay += 1;
        seen.push(underWay);
        await sleep(1);
        underWay -= 1;
        return red.score(batch);
      },
    };
    const { total } = await scoresOf([termOf(counting)], [[0, 0.25]], [[0.5]], [[0.75, 1]]);
    expect(total).toEqual([0, 0.25, 0.5, 0.75, 1]);
    expect(Math.max(...seen)).toBe(concurrency);
  },
);

describe('when it is called off', () => {
  test.each(['mask', 'required', 'optional'] as const)(
    'it ends at once with the reason, also where a reward does not listen (%s)',
    async (policy) => {
      const controller = new AbortController();
      const scoring = scoringOf([termOf(deaf, { policy })], controller.signal);
      scoring.add(batchOf([0, 1]));
      const finished = scoring.finish();
      controller.abort(new Error('enough'));
      await expect(finished).rejects.toThrow('enough');
    },
  );

  test('nothing is scored at all where it was called off before', async () => {
    const score = jest.fn(red.score);
    const scoring = scoringOf([termOf({ ...red, score })], AbortSignal.abort());
    scoring.add(batchOf([0]));
    await expect(scoring.finish()).rejects.toThrow('aborted');
    expect(score).not.toHaveBeenCalled();
  });

  test('rewards are told when nobody waits any more', async () => {
    let told: AbortSignal | undefined;
    const listening: Reward = {
      ...red,
      score: (_, options) => {
        told = options?.signal;
        return new Promise(() => undefined);
      },
    };
    const scoring = scoringOf([termOf(listening)]);
    scoring.add(batchOf([0]));
    await sleep(1);
    expect(told?.aborted).toBe(false);
    scoring.end();
    expect(told?.aborted).toBe(true);
  });
});

test('scoring that nobody waits for any more fails unheard', async () => {
  const broken: Reward = { ...red, batchSize: -1 };
  scoringOf([termOf(broken)]).add(batchOf([0]));
  await sleep(10);
});
