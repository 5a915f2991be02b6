import { setTimeout as sleep } from 'node:timers/promises';

import { createCombination, notApplicable, type Image, type Reward } from '@loop-diffusion/rewards';

import { createRewards, createScoring, scoreImages, type WeightedReward } from './rewards';

const image = (value: number): Image => ({
  width: 1,
  height: 1,
  data: Float32Array.of(value, value, value),
});
const batchOf = (...values: number[]) => ({
  images: values.map(image),
  prompts: values.map(String),
});
const red: Reward = {
  name: 'red',
  version: '1',
  range: [0, 1],
  batchSize: 8,
  score: ({ images }) =>
    Promise.resolve(images.map(({ data }) => ({ ok: true, value: data[0] ?? Number.NaN }))),
};
/** Slower for the first images than for the last. */
const slow: Reward = {
  ...red,
  name: 'slow',
  async score(batch) {
    await sleep(50 * (1 - (batch.images[0]?.data[0] ?? 0)));
    return red.score(batch);
  },
};
const picky: Reward = {
  ...red,
  name: 'picky',
  score: ({ images }) =>
    Promise.resolve(
      images.map(({ data }) =>
        (data[0] ?? 0) > 0.5
          ? { ok: false, kind: 'refused', message: 'too red', retryable: false }
          : { ok: true, value: 1 },
      ),
    ),
};

const term = (reward: Reward, rest: Partial<WeightedReward> = {}): WeightedReward => ({
  name: reward.name,
  reward,
  weight: 1,
  ...rest,
});
const scoringOf = (rewards: WeightedReward[]) => createScoring(rewards, createCombination(rewards));

test('scores come in the order of the images, whenever they arrive, and as of one batch', async () => {
  const rewards = [term(slow, { weight: 2 })];
  const scoring = scoringOf(rewards);
  scoring.add(batchOf(0, 0.25));
  scoring.add(batchOf(0.5, 1));
  const { quality, ...scores } = await scoring.finish([0, 0, 1, 1]);
  expect(scores.total).toEqual([0, 0.5, 1, 2]);
  expect(scores).toEqual(await scoreImages(rewards, batchOf(0, 0.25, 0.5, 1)));
  // Of 0, 64 (a quarter of 255, rounded), 128 and 255 in grey the first and the last are clipped.
  expect(quality).toMatchObject({ clipped: 0.5, saturation: 0, colourfulness: 0 });
});

test('a failure is no score, and does not count in the mean', async () => {
  const rewards = [term(red), term(picky, { weight: 0.5 })];
  const scores = await scoreImages(rewards, batchOf(0.25, 1));
  expect(scores.total).toEqual([0.75, Number.NaN]);
  expect(scores.components['picky']).toBe(1);
  expect(scores.components['red']).toBeCloseTo(0.625, 6);
  expect(scores).toMatchObject({ failed: 1, failureRate: 0.5, failure: 'picky: too red' });
});

test('an optional reward that fails leaves every image of its prompt with the others alone', async () => {
  const scoring = scoringOf([term(red), term(picky, { policy: 'optional' })]);
  scoring.add(batchOf(0.25, 1));
  scoring.add(batchOf(0.25, 0.5));
  const { total, failed, failureRate } = await scoring.finish([0, 0, 1, 1]);
  expect(total).toEqual([0.25, 1, 1.25, 1.5]);
  expect([failed, failureRate]).toEqual([0, 0.25]);
});

test('a required reward that fails is an error of one sentence', async () => {
  const scoring = scoringOf([term(picky, { policy: 'required' })]);
  scoring.add(batchOf(0.25, 1));
  await expect(scoring.finish([0, 0])).rejects.toThrow(
    'A required reward failed on 1 of 2 images; picky: too red',
  );
});

test('a reward that is only watched is reported, and neither counts nor stops anything', async () => {
  const scores = await scoreImages([term(red), term(picky, { weight: 0 })], batchOf(0.25, 1));
  expect(scores.total).toEqual([0.25, 1]);
  expect(scores.values['picky']).toEqual([1, Number.NaN]);
  expect(scores).toMatchObject({ failed: 0, failureRate: 0 });
});

test('a reward that compares the images of a prompt sees them in one call', async () => {
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
  const scoring = scoringOf([term(crowd)]);
  const prompts = ['cat', 'cat', 'dog', 'cat'];
  const { images } = batchOf(0, 0.25, 0.5, 1);
  scoring.add({ images: images.slice(0, 2), prompts: prompts.slice(0, 2) });
  scoring.add({ images: images.slice(2), prompts: prompts.slice(2) });
  expect((await scoring.finish([0, 0, 1, 0])).total).toEqual([1 / 3, 1 / 3, 1, 1 / 3]);
  expect(calls).toEqual([3, 1]);
});

test('a prompt that was drawn twice is two groups', async () => {
  const sizes: number[] = [];
  const crowd: Reward = {
    ...red,
    scope: 'group',
    score: ({ images }) => {
      sizes.push(images.length);
      return Promise.resolve(images.map(() => ({ ok: true, value: 1 })));
    },
  };
  const scoring = scoringOf([term(crowd)]);
  scoring.add({ ...batchOf(0, 0.25, 0.5, 1), prompts: ['cat', 'cat', 'cat', 'cat'] });
  await scoring.finish([0, 0, 1, 1]);
  expect(sizes).toEqual([2, 2]);
});

test('an image that no reward applies to has no reward, and has not failed', async () => {
  const quotes: Reward = {
    ...red,
    score: ({ images }) => Promise.resolve(images.map(() => notApplicable('no quotes'))),
  };
  const scores = await scoreImages([term(quotes)], batchOf(0.25, 1));
  expect(scores.total).toEqual([Number.NaN, Number.NaN]);
  expect(scores).toMatchObject({ failed: 0, failureRate: 0, failure: undefined });
});

test('scoring that nobody waits for any more fails unheard', async () => {
  const broken: Reward = { ...red, batchSize: -1 };
  scoringOf([term(broken)]).add(batchOf(0));
  await sleep(10);
});

describe('createRewards', () => {
  const of = (...names: string[]) =>
    names.map((name) => ({
      ...{ name, weight: 1, policy: 'mask' as const, scale: 'none' as const, settings: {} },
    }));

  test('opens rewards by name, under their labels', async () => {
    const [shapes, jpeg] = of('shapes', 'jpeg-compressibility');
    const rewards = await createRewards([shapes!, { ...jpeg!, label: 'size' }]);
    expect(rewards.map(({ name }) => name)).toEqual(['shapes', 'size']);
  });

  test('refuses names and settings that there are not, and says what there is', async () => {
    await expect(createRewards(of('shaps'))).rejects.toThrow(
      'There is no reward "shaps" (did you mean "shapes"?). Known rewards: shapes, jpeg-compressibility',
    );
    const [jpeg] = of('jpeg-compressibility');
    await expect(createRewards([{ ...jpeg!, settings: { quality: 9 } }])).rejects.toThrow(
      'Reward "jpeg-compressibility": there is no setting "quality"; it takes none.',
    );
    await expect(createRewards(of('shapes', 'shapes'))).rejects.toThrow(
      'Two rewards are called "shapes"; give one of them a label',
    );
  });
});
