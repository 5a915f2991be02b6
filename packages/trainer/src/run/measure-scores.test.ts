import * as tf from '@tensorflow/tfjs-core';

import type { TrainConfig } from '../configuration/schema';
import { sumOf } from '../learning/minibatch-gradient';
import type { TextsOfImages } from '../learning/term';
import { trajectoryTerm } from '../learning/trajectory-term';
import type { TrajectoryObjective } from '../methods/method';
import { disposeTexts } from '../policy/text-condition';
import { promptsAt } from '../prompts/prompt-order';
import { makeRunFolder, type RunFolder } from '../testing/tiny-run';
import { drawIteration } from './draw-iteration';
import { measureScores, type ScoresRequest } from './measure-scores';
import { openRun } from './open-run';
import type { Run } from './run';

let folder: RunFolder;
beforeAll(() => {
  folder = makeRunFolder();
});
afterAll(() => {
  folder.remove();
});

const IMAGES = 4;
const { signal } = new AbortController();
const config = (...overrides: string[]): TrainConfig =>
  folder.configFor('run', [
    'algorithm.name=reinforce',
    'algorithm.k=1',
    'algorithm.innerEpochs=1',
    ...overrides,
  ]);

const measure = (run: Run, more: Partial<ScoresRequest> = {}) =>
  measureScores(run, {
    ...{ prompts: 2, images: IMAGES, seed: 5, iteration: 0, firstPrompt: 6, directions: 1, signal },
    directionsOf: (rewards) => [rewards.map((reward) => reward / IMAGES)],
    onProgress: () => undefined,
    ...more,
  });

/** Of REINFORCE over all images, in one minibatch and in other chunks. */
async function gradientOf(run: Run, rewards: readonly number[]): Promise<Float32Array> {
  const { algorithm } = run.config;
  const own = {
    ...run,
    config: { ...run.config, seed: 5, algorithm: { ...algorithm, k: IMAGES } },
  };
  const prompts = promptsAt(run.prompts, 5, 6, 2).map(({ text }) => text);
  const text = run.policy.texts.encode(prompts);
  const promptOfImage = rewards.map((_, image) => Math.floor(image / IMAGES));
  const texts: TextsOfImages = { prompts: text, empty: run.empty, promptOfImage };
  const { trajectories, trainedSteps } = await drawIteration(own, {
    ...{ iteration: 0, firstPrompt: 6, texts, signal },
    onBatch: async () => undefined,
    onProgress: () => undefined,
  });
  const term = trajectoryTerm({
    ...{ ...texts, trajectories: trajectories!, trainedSteps, context: run.lossContext },
    objective: run.objective as TrajectoryObjective,
    ...{ advantages: rewards, batch: 5, sampleDropout: undefined, klWeight: 0 },
  });
  const part = {
    prepare: () => undefined,
    rows: rewards.length * trainedSteps.length,
    ...term.partOf(
      rewards.map((_, image) => image),
      0,
    ),
  };
  const { gradient } = await sumOf([part], run.policy, { signal, onChunk: () => undefined });
  const values = await gradient!.data<'float32'>();
  disposeTexts(text);
  gradient!.dispose();
  trajectories!.clear();
  return values;
}

test('products of the images’ gradients are those of the gradient of a batch', async () => {
  const run = await openRun(config());
  try {
    await measure(run);
    const { numTensors } = tf.memory();
    const progress: number[] = [];
    const found = await measure(run, { onProgress: (fraction) => progress.push(fraction) });
    expect(tf.memory().numTensors).toBe(numTensors);
    expect(found.prompts.map(({ prompt }) => prompt).sort()).toEqual([
      'a red circle',
      'two green triangles',
    ]);
    expect(found).toMatchObject({ leftOut: 0, steps: 2 });
    expect(found.weights).toBe(run.variables.reduce((sum, { size }) => sum + size, 0));
    expect(progress.at(-1)).toBe(1);
    expect([...progress].sort((one, other) => one - other)).toEqual(progress);

    const rewards = found.prompts.flatMap((prompt) => prompt.rewards);
    expect(new Set(rewards).size).toBeGreaterThan(4);
    const gradient = await gradientOf(run, rewards);
    const square = gradient.reduce((sum, value) => sum + value ** 2, 0);
    // The mean over both prompts of the vectors that were asked for.
    const between = found.products[0]!.reduce((sum, product) => sum + product, 0) / 4;
    expect(between / square).toBeCloseTo(1, 3);
    // And of one prompt from its own products.
    const [first] = found.prompts;
    const own = first!.gram.reduce(
      (sum, product, place) =>
        sum +
        (product * first!.rewards[Math.floor(place / IMAGES)]! * first!.rewards[place % IMAGES]!) /
          IMAGES ** 2,
      0,
    );
    expect(own / found.products[0]![0]!).toBeCloseTo(1, 4);
  } finally {
    run.dispose();
  }
});

test('a measurement depends on its seed and first prompt, and not on batches', async () => {
  const [run, other] = [await openRun(config()), await openRun(config('batch.rollout=8'))];
  try {
    const first = await measure(run);
    expect((await measure(run, { seed: 6 })).prompts[0]!.rewards).not.toEqual(
      first.prompts[0]!.rewards,
    );
    expect((await measure(run, { firstPrompt: 8 })).prompts[0]!.rewards).not.toEqual(
      first.prompts[0]!.rewards,
    );
    const inOneGo = await measure(other);
    for (const [index, prompt] of first.prompts.entries()) {
      expect(inOneGo.prompts[index]!.rewards).toEqual(prompt.rewards);
      prompt.gram.forEach((product, place) => {
        expect(inOneGo.prompts[index]!.gram[place]! / prompt.gram[0]!).toBeCloseTo(
          product / prompt.gram[0]!,
          4,
        );
      });
    }
  } finally {
    run.dispose();
    other.dispose();
  }
});

test('who cannot go on says why, and frees what it has', async () => {
  const run = await openRun(config());
  try {
    const { numTensors } = tf.memory();
    await expect(measure(run, { prompts: 1e7, images: 4 })).rejects.toThrow(
      /would take \d+ GiB; measure fewer prompts or images/,
    );
    const controller = new AbortController();
    const onProgress = (fraction: number): void => {
      if (fraction > 0.3) controller.abort();
    };
    await expect(measure(run, { onProgress, signal: controller.signal })).rejects.toHaveProperty(
      'name',
      'AbortError',
    );
    expect(tf.memory().numTensors).toBe(numTensors);
  } finally {
    run.dispose();
  }
});
