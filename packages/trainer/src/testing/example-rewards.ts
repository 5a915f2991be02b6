/** Rewards with a habit, and images for them, for the tests of scoring. */
import { setTimeout as sleep } from 'node:timers/promises';

import type { Image, Reward, RewardResult } from '@loop-diffusion/rewards';

import type { WeightedReward } from '../scoring/rewards';
import type { GroupedBatch } from '../scoring/scoring';

/** A grey pixel each, for a prompt each. */
export function batchOf(
  values: readonly number[],
  groups: readonly number[] = values.map((_, index) => index),
): GroupedBatch {
  return { images: values.map(pixel), prompts: values.map(String), groups };
}

function pixel(value: number): Image {
  return { width: 1, height: 1, data: Float32Array.of(value, value, value) };
}

export function termOf(reward: Reward, rest: Partial<WeightedReward> = {}): WeightedReward {
  return { name: reward.name, reward, weight: 1, ...rest };
}

/** Gives the pixel's value. */
export const red: Reward = {
  name: 'red',
  version: '1',
  range: [0, 1],
  batchSize: 8,
  score: ({ images }) =>
    Promise.resolve(images.map((image) => ({ ok: true, value: redOf(image) }))),
};

export const redOf = ({ data }: Image): number => data[0] ?? Number.NaN;

/** Slower for the first images than for the last. */
export const slow: Reward = {
  ...red,
  name: 'slow',
  async score(batch) {
    await sleep(20 * (1 - (batch.images[0]?.data[0] ?? 0)));
    return red.score(batch);
  },
};

/** Decides image by image. */
export function deciding(name: string, decide: (value: number) => RewardResult): Reward {
  return {
    ...red,
    name,
    score: ({ images }) => Promise.resolve(images.map((image) => decide(redOf(image)))),
  };
}

/** Refuses what is redder than a half, for good. */
export const picky: Reward = deciding('picky', (value) =>
  value > 0.5
    ? { ok: false, kind: 'refused', message: 'too red', retryable: false }
    : { ok: true, value: 1 },
);

/** Never answers, and does not listen when it is called off. */
export const deaf: Reward = { ...red, name: 'deaf', score: () => new Promise(() => undefined) };
