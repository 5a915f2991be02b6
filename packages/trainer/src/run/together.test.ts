/** Whole runs by several workers, who stay one run whatever happens to one of them. */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import { jpegIncompressibility, rewardFailure, type Reward } from '@loop-diffusion/rewards';
import * as tf from '@tensorflow/tfjs-core';

import { readNewestCheckpoint } from '../run-folder/checkpoint-folder';
import type { RunSummary } from '../run-folder/records';
import { makeRunFolder, recordRun, type Recording, type RunFolder } from '../testing/tiny-run';
import { workersTogether } from '../testing/workers-together';
import type { RunSink } from '../tracking/sink';
import { ALONE, type Workers } from '../workers/workers';
import type { GivenObjects } from './given';
import { runIteration } from './iteration';
import { runLoop, type ResumePoint } from './loop';
import { openRun } from './open-run';
import { createPhaseClock } from './phase-clock';
import { checkWeights, takeStateOfFirst } from './together';
import { holdState, releaseState } from './training-state';

let folder: RunFolder;
beforeEach(() => {
  folder = makeRunFolder();
});
afterEach(() => {
  folder.remove();
});

interface Part extends GivenObjects {
  readonly overrides?: readonly string[];
  readonly signal?: AbortSignal;
  readonly from?: ResumePoint;
  readonly sink?: RunSink;
}

interface End {
  readonly recording: Recording;
  readonly summary?: RunSummary;
  readonly error?: Error;
}

const never = new AbortController().signal;

/** Each worker has a folder of its own by its name, in which only the first should write. */
async function trainTogether(
  workers: readonly Workers[],
  overrides: readonly string[],
  partOf: (rank: number) => Part = () => ({}),
): Promise<End[]> {
  const runs = workers.map(async (own, rank): Promise<End> => {
    const { overrides: more = [], signal = never, from, sink = {}, ...given } = partOf(rank);
    const recording = recordRun(sink);
    const config = folder.configFor(nameOf(rank, own.size), [...overrides, ...more]);
    try {
      const summary = await runLoop(config, recording, signal, from, { ...given, workers: own });
      return { recording, summary };
    } catch (error) {
      return { recording, error: error as Error };
    }
  });
  return Promise.all(runs);
}

const nameOf = (rank: number, size: number) =>
  size === 1 ? 'alone' : `${String(rank)}-of-${String(size)}`;
const outputOf = (rank: number, size: number) => folder.configFor(nameOf(rank, size)).output;
const adapterOf = (output: string) =>
  readFileSync(join(output, 'adapter', 'pytorch_lora_weights.safetensors'));
const messages = (ends: readonly End[]) => ends.map(({ error }) => error?.message);

test('they evaluate and train as one does, and only the first has a folder', async () => {
  const [alone] = await trainTogether([ALONE], ['evaluate.images=2']);
  const kept = tf.memory().numTensors;
  const [first, second] = await trainTogether(workersTogether(2), ['evaluate.images=2']);
  expect(tf.memory().numTensors).toBe(kept);
  expect(second!.recording.evaluations).toEqual(first!.recording.evaluations);
  for (const [index, record] of alone!.recording.evaluations.entries()) {
    const other = first!.recording.evaluations[index]!;
    expect({ ...other, rewards: [], mean: 0 }).toMatchObject({ name: record.name, count: 2 });
    // Sizes in kB, of images that may differ in the last bit of a number.
    for (const [image, reward] of record.rewards.entries()) {
      expect(other.rewards[image]).toBeCloseTo(reward, 1);
    }
  }
  expect(first!.recording.evaluations[0]!.rewards).toEqual(
    alone!.recording.evaluations[0]!.rewards,
  );
  expect([first!.recording.grids, second!.recording.grids]).toEqual([['before', 'after'], []]);
  expect(existsSync(outputOf(1, 2))).toBe(false);
  const { summary } = first!;
  expect(summary).toMatchObject({ iterations: 2, interrupted: false });
});

test('an adapter is the same byte for byte in each run of as many, and goes on as if it had not ended', async () => {
  const adapters: Buffer[] = [];
  const both = ['evaluate.images=0', 'samples.count=0', 'iterations=3'];
  while (adapters.length < 2) {
    await trainTogether(workersTogether(2), both);
    adapters.push(adapterOf(outputOf(0, 2)));
    rmSync(outputOf(0, 2), { recursive: true });
  }
  expect(adapters[1]!.equals(adapters[0]!)).toBe(true);

  const controller = new AbortController();
  const ends = await trainTogether(workersTogether(2), both, (rank) => ({
    signal: rank === 1 ? controller.signal : never,
    sink:
      rank === 1
        ? {
            iteration: () => {
              controller.abort();
            },
          }
        : {},
  }));
  // The one that is not ended hears of it.
  expect(ends.map(({ summary }) => summary?.interrupted)).toEqual([true, true]);
  const { checkpoint } = readNewestCheckpoint(join(outputOf(0, 2), 'checkpoints'));
  expect(checkpoint?.step).toBe(1);
  // The second has nothing to go on from but the first.
  const from: ResumePoint = { checkpoint, evaluations: [], onDifference: () => undefined };
  await trainTogether(workersTogether(2), both, (rank) => (rank === 0 ? { from } : {}));
  expect(adapterOf(outputOf(0, 2)).equals(adapters[0]!)).toBe(true);
  // Another number of them is not exactly the same run.
  const differences: string[] = [];
  const onDifference = (difference: string) => void differences.push(difference);
  await trainTogether([ALONE], both, () => ({ from: { ...from, onDifference } }));
  expect(differences).toEqual(['workers was 2 and is 1']);
});

/** Fails on the images of a prompt, which one of two workers has. */
function failsOn(prompt: string): Reward {
  const inner = jpegIncompressibility();
  return {
    ...inner,
    name: 'jpeg-incompressibility',
    async score(batch, options) {
      const results = await inner.score(batch, options);
      return results.map((result, image) =>
        batch.prompts[image] === prompt ? rewardFailure('exception', 'no luck') : result,
      );
    },
  };
}

const ONE_ITERATION = ['evaluate.images=0', 'samples.count=0', 'iterations=1'];

test('a reward that fails on one worker alone is missing as it is in one process', async () => {
  const part = () => ({
    rewards: new Map([['jpeg-incompressibility', failsOn('two green triangles')]]),
  });
  const overrides = [...ONE_ITERATION, 'guards.failedRewards=0.6'];
  const [alone] = await trainTogether([ALONE], overrides, part);
  const ends = await trainTogether(workersTogether(2), overrides, part);
  const [expected] = alone!.recording.iterations;
  expect(expected!.rewards.map(Number.isNaN)).toEqual([false, false, true, true]);
  for (const { recording } of ends) {
    const [found] = recording.iterations;
    expect(found!.rewards).toEqual(expected!.rewards);
    expect(found!.reward).toEqual(expected!.reward);
    expect(found!.gradientNorm / expected!.gradientNorm).toBeCloseTo(1, 4);
  }

  const refused = await trainTogether(
    workersTogether(2),
    [...ONE_ITERATION, 'guards.failedRewards=0.4'],
    part,
  );
  const told = /^2 of 4 images got no reward, more than guards.failedRewards/;
  for (const message of messages(refused)) expect(message).toMatch(told);
});

test('what fails in one ends all, with a checkpoint of what was done', async () => {
  const overrides = ['evaluate.images=0', 'samples.count=0'];
  const ends = await trainTogether(workersTogether(3), overrides, (rank) => ({
    sink: {
      iteration: ({ iteration }) => {
        if (rank === 0 && iteration === 1) throw new Error('no space left');
      },
    },
  }));
  const told = 'Worker 0 cannot go on: no space left';
  expect(messages(ends)).toEqual(['no space left', told, told]);
  const { checkpoint } = readNewestCheckpoint(join(outputOf(0, 3), 'checkpoints'));
  expect(checkpoint?.step).toBe(1);
});

test('none begins where one was started otherwise', async () => {
  const ends = await trainTogether(workersTogether(2), ONE_ITERATION, (rank) => ({
    overrides: rank === 1 ? ['seed=7'] : [],
  }));
  const told =
    'Worker 1 has another seed (7) than worker 0 (0); start all with the same version, configuration and files';
  expect(messages(ends)).toEqual([told, told]);
  const without = await trainTogether(workersTogether(2), ONE_ITERATION, (rank) => ({
    overrides: rank === 1 ? ['rewards.0.name=none-of-these'] : [],
  }));
  expect(messages(without)[0]).toMatch(/^Worker 1 cannot go on: .*none-of-these/);
});

test('what differs in a state is as the first has it afterwards', async () => {
  const overrides = [...['optimizer.name=storm', 'algorithm.clipRange=none', 'ema.decay=0.9']];
  const run = async (workers: Workers) => {
    const config = folder.configFor('run', overrides);
    const opened = await openRun(config, { workers, withoutFiles: true });
    const clock = createPhaseClock(() => undefined);
    // Of the second the optimizer has not stepped yet, and so remembers nothing.
    if (workers.rank === 0) await runIteration({ ...opened, workers: ALONE }, clock, 0, never);
    return opened;
  };
  const runs = await Promise.all(workersTogether(2).map(run));
  const before = tf.memory().numTensors;
  await expect(Promise.all(runs.map((own) => checkWeights(own, 1)))).rejects.toThrow(
    'After 1 iterations worker 1 has other weights than worker 0',
  );
  await Promise.all(runs.map(takeStateOfFirst));
  // What the second one's optimizer now remembers: a momentum, and the weights before.
  expect(tf.memory().numTensors).toBe(before + 2);
  await Promise.all(runs.map((own) => checkWeights(own, 1)));
  const [first, second] = runs.map((own) => {
    const state = holdState(own);
    const { weights, optimizer, averages, ...rest } = state;
    const tensors = [...weights, ...Object.values(optimizer.tensors), ...averages.ema!];
    const values = tensors.map((tensor) => tensor.arraySync());
    releaseState(state);
    return { ...rest, values, steps: optimizer.steps, numbers: optimizer.numbers };
  });
  expect(second).toEqual(first);
  for (const own of runs) own.dispose();
});
