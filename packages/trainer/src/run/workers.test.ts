/** Iterations by several processes are those of one. */
import * as tf from '@tensorflow/tfjs-core';

import type { IterationRecord } from '../run-folder/records';
import { makeRunFolder, type RunFolder } from '../testing/tiny-run';
import { workersTogether } from '../testing/workers-together';
import { ALONE, type Workers } from '../workers/workers';
import { runIteration } from './iteration';
import { openRun } from './open-run';
import { createPhaseClock } from './phase-clock';

let folder: RunFolder;
beforeAll(() => {
  folder = makeRunFolder();
});
afterAll(() => {
  folder.remove();
});

const signal = new AbortController().signal;

interface Outcome {
  readonly records: IterationRecord[];
  readonly weights: Float32Array;
}

async function iterate(workers: Workers, overrides: readonly string[]): Promise<Outcome> {
  const run = await openRun(folder.configFor('run', overrides), { workers, withoutFiles: true });
  try {
    const clock = createPhaseClock(() => undefined);
    const records: IterationRecord[] = [];
    for (const iteration of [0, 1]) {
      records.push((await runIteration(run, clock, iteration, signal)).record);
    }
    const flat = tf.concat1d(run.variables.map((variable) => tf.reshape(variable, [-1])));
    const weights = Float32Array.from(flat.dataSync<'float32'>());
    flat.dispose();
    return { records, weights };
  } finally {
    run.dispose();
  }
}

/** What does not depend on who has drawn what. */
const figures = ({
  reward,
  rewards,
  groups,
  images,
  passes,
  diversity,
  loss,
  gradientNorm,
}: IterationRecord) => ({
  ...{ reward, rewards, groups, images, passes, diversity, loss, gradientNorm },
});

function expectSame(one: Outcome, other: Outcome): void {
  // Sums are taken in another order. A step of AdamW is as long as the learning rate, 2e-3, whichever way a gradient of nothing but
  // rounding points, so that a few weights may differ by as much.
  const differences = one.weights.map((weight, index) => Math.abs(weight - other.weights[index]!));
  const apart = differences.filter((difference) => difference > 5e-6);
  expect(apart.length / differences.length).toBeLessThan(0.01);
  expect(Math.max(...apart, 0)).toBeLessThan(4e-3);
  for (const [index, record] of one.records.entries()) {
    const [here, there] = [figures(record), figures(other.records[index]!)];
    expect(there.images).toBe(here.images);
    expect(there.passes).toEqual(here.passes);
    for (const [image, reward] of here.rewards.entries()) {
      expect(there.rewards[image]).toBeCloseTo(reward, 4);
    }
    expect(there.diversity).toBeCloseTo(here.diversity, 6);
    expect(there.loss).toBeCloseTo(here.loss, 4);
    expect(there.gradientNorm / here.gradientNorm).toBeCloseTo(1, 3);
  }
}

test.each([
  ['2 with 3 prompts', 2, ['batch.prompts=3']],
  ['3 with 2 prompts', 3, ['batch.prompts=2']],
  ['2 of a method that learns from images', 2, ['batch.prompts=3', 'algorithm.name=nft']],
  ['2 with extra samples', 2, ['algorithm.name=qvpo', 'algorithm.qvpo.entropyWeight=0.1']],
  ['2 with pairs', 2, ['batch.prompts=3', 'algorithm.name=dpo']],
  ['2 with a baseline over the batch', 2, ['algorithm.name=ppo', 'algorithm.klInReward=0.1']],
  [
    '2 with imitation and a running z-score',
    2,
    ['algorithm.sftWeight=0.1', 'rewards.0.scale=running-z-score'],
  ],
])(
  '%s',
  async (_, size, overrides) => {
    const expected = await iterate(ALONE, overrides);
    const found = await Promise.all(
      workersTogether(size).map((workers) => iterate(workers, overrides)),
    );
    for (const outcome of found) {
      expectSame(expected, outcome);
      expect(outcome.weights).toEqual(found[0]!.weights);
    }
    expect(expected.records[1]!.loss).not.toBe(0);
  },
  120_000,
);
