/** Evaluations whose reward fails. */
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import * as tf from '@tensorflow/tfjs-core';

import type * as rewardsModule from '../scoring/rewards';
import { deaf, red } from '../testing/example-rewards';
import { PIPELINE } from '../testing/fixtures';
import { evaluateModel } from './evaluate';

jest.mock('../scoring/pauses', () => ({ PAUSES: [0] }));
const mockCreateReward = jest.fn<Promise<rewardsModule.WeightedReward['reward']>, [string]>();
jest.mock('../scoring/rewards', () => ({
  ...jest.requireActual<typeof rewardsModule>('../scoring/rewards'),
  createReward: (name: string) => mockCreateReward(name),
}));

let base: string;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'evaluate-'));
});
afterEach(() => {
  rmSync(base, { recursive: true });
});

const evaluate = (more: Partial<Parameters<typeof evaluateModel>[0]> = {}) =>
  evaluateModel({
    ...{ model: PIPELINE, prompts: 'shapes', reward: 'own', images: 2, out: join(base, 'out') },
    ...{ steps: 2, eta: 1, guidance: 1, seed: 0, backend: 'auto' },
    ...more,
  });
const dispose = jest.fn(() => Promise.resolve());
const drawn = () => readdirSync(join(base, 'out'));

test('the images are there where every one fails, and nothing stays open', async () => {
  const score = () => Promise.reject(new Error('out of memory'));
  mockCreateReward.mockResolvedValue({ ...red, name: 'broken', score, dispose });
  await expect(evaluate({ out: join(base, 'first') })).rejects.toThrow();
  // The first evaluation in a process leaves the constants that the norms keep.
  const tensors = tf.memory().numTensors;
  await expect(evaluate()).rejects.toThrow(
    `The reward failed on every image (Reward "broken" failed: out of memory); the images are in ${join(base, 'out')}`,
  );
  expect(drawn()).toHaveLength(2);
  expect(dispose).toHaveBeenCalledTimes(2);
  expect(tf.memory().numTensors).toBe(tensors);
});

test('and where it is called off while a reward does not answer', async () => {
  const controller = new AbortController();
  const score: typeof deaf.score = (...call) => {
    controller.abort();
    return deaf.score(...call);
  };
  mockCreateReward.mockResolvedValue({ ...deaf, score });
  await expect(evaluate({ signal: controller.signal })).rejects.toHaveProperty(
    'name',
    'AbortError',
  );
  expect(drawn()).toHaveLength(2);
});

test('a reward is closed where the model cannot be opened, and not opened without prompts', async () => {
  dispose.mockClear();
  mockCreateReward.mockClear().mockResolvedValue({ ...red, dispose });
  await expect(evaluate({ model: join(base, 'none') })).rejects.toThrow('does not exist');
  expect(dispose).toHaveBeenCalledTimes(1);
  mockCreateReward.mockClear();
  await expect(evaluate({ prompts: join(base, 'none.txt') })).rejects.toThrow('does not exist');
  expect(mockCreateReward).not.toHaveBeenCalled();
  expect(existsSync(join(base, 'out'))).toBe(false);
});

test('nothing is written over', async () => {
  await expect(evaluate({ out: __dirname })).rejects.toThrow('is not empty');
});
