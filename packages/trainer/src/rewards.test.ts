import { setTimeout as sleep } from 'node:timers/promises';

import type { Image, Reward } from '@loop-diffusion/rewards';

import { createScoring, scoreImages } from './rewards';

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

test('scores come in the order of the images, whenever they arrive, and as of one batch', async () => {
  const rewards = [{ reward: slow, weight: 2 }];
  const scoring = createScoring(rewards);
  scoring.add(batchOf(0, 0.25));
  scoring.add(batchOf(0.5, 1));
  const scores = await scoring.finish();
  expect(scores.total).toEqual([0, 0.5, 1, 2]);
  expect(scores).toEqual(await scoreImages(rewards, batchOf(0, 0.25, 0.5, 1)));
});

test('a failure is no score, and does not count in the mean', async () => {
  const rewards = [
    { reward: red, weight: 1 },
    { reward: picky, weight: 0.5 },
  ];
  const { total, components, failed, failure } = await scoreImages(rewards, batchOf(0.25, 1));
  expect(total).toEqual([0.75, Number.NaN]);
  expect(components['picky']).toBe(1);
  expect(components['red']).toBeCloseTo(0.625, 6);
  expect([failed, failure]).toEqual([1, 'picky: too red']);
});

test('scoring that nobody waits for any more fails unheard', async () => {
  const broken: Reward = { ...red, batchSize: -1 };
  createScoring([{ reward: broken, weight: 1 }]).add(batchOf(0));
  await sleep(10);
});
