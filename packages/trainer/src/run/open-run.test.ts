/** What a run opens is closed, however it ends. */
import { cpSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { createLoraAdapter, loraToSafetensors } from '@loop-diffusion/diffusion-models';
import { compiledMemory } from '@loop-diffusion/native-tensorflow';
import * as tf from '@tensorflow/tfjs-core';

import { red } from '../testing/example-rewards';
import { loadPipeline, PIPELINE, readJson } from '../testing/fixtures';
import { makeRunFolder, recordRun, type RunFolder } from '../testing/tiny-run';
import { adapterRandom } from '../weights/adapter-random';
import type * as checkpointSize from './checkpoint-size';
import { runLoop } from './loop';
import { openRun } from './open-run';

const mockSizeOf = jest.fn((weights: number) => weights);
jest.mock('./checkpoint-size', () => {
  const actual = jest.requireActual<typeof checkpointSize>('./checkpoint-size');
  return {
    ...actual,
    checkCheckpointSize: (weights: number) => {
      actual.checkCheckpointSize(mockSizeOf(weights));
    },
  };
});

const forever = new AbortController().signal;

let folder: RunFolder;
beforeAll(async () => {
  folder = makeRunFolder();
  // The first in a process leaves the constants that the norms keep.
  await runLoop(folder.configFor('first', ['iterations=1']), recordRun(), forever);
});
afterAll(() => {
  folder.remove();
});

/** An adapter of the model with one rank for some modules and another for the rest. */
async function writeAdapter(rank: number, targets = ['to_q', 'to_k', 'to_v', 'to_out.0']) {
  const model = await loadPipeline();
  const settings = { rank, alpha: 8, targets };
  const adapter = createLoraAdapter(model.unet.weights, settings, adapterRandom(0));
  const path = join(
    folder.configFor('x').output,
    '..',
    `rank-${rank}-${targets.length}.safetensors`,
  );
  writeFileSync(path, loraToSafetensors(adapter));
  tf.dispose(adapter.weights);
  model.dispose();
  return path;
}

/** The model with a scheduler whose last step ends at ᾱ = 1. */
function copyEndingWithoutNoise(): string {
  const path = `${folder.configFor('x').output}-without-noise`;
  cpSync(PIPELINE, path, { recursive: true });
  const file = join(path, 'scheduler/scheduler_config.json');
  const scheduler = readJson(file) as object;
  writeFileSync(file, JSON.stringify({ ...scheduler, set_alpha_to_one: true }));
  return path;
}

test.each<[string, () => Promise<{ overrides: string[]; more?: object }>, string]>([
  [
    'all weights are more than a checkpoint holds',
    () => {
      mockSizeOf.mockReturnValueOnce(1e12);
      return Promise.resolve({ overrides: [], more: { lora: null } });
    },
    'train an adapter instead',
  ],
  [
    'the adapter that it starts from has another rank',
    async () => ({ overrides: [`lora.from=${await writeAdapter(2)}`] }),
    'set lora.rank=2',
  ],
  [
    'the adapter that it starts from changes other modules',
    async () => ({ overrides: [`lora.from=${await writeAdapter(8, ['to_q'])}`] }),
    'changes other modules',
  ],
  [
    'the schedule has no such steps',
    () => Promise.resolve({ overrides: ['sampler.steps=1000', 'sampler.eta=1'] }),
    'timestep',
  ],
  [
    'there is one denoise step, which has no randomness',
    () => Promise.resolve({ overrides: ['sampler.steps=1', `model=${copyEndingWithoutNoise()}`] }),
    "none of the denoise steps 0 to 0, which are trained, has randomness; with this model's scheduler none of the 1 has",
  ],
  [
    'only the last denoise step is trained, which has no randomness',
    () =>
      Promise.resolve({
        overrides: [`model=${copyEndingWithoutNoise()}`, 'algorithm.timesteps.from=3'].concat(
          'algorithm.timesteps.to=4',
        ),
      }),
    'none of the denoise steps 3 to 3, which are trained, has randomness; those with randomness are 0 to 2',
  ],
  [
    'the model cannot draw the size',
    () => Promise.resolve({ overrides: ['sampler.height=17'] }),
    'The height of 17 pixels is no multiple of 4',
  ],
])('nothing stays where %s', async (_, settings, message) => {
  const { overrides, more } = await settings();
  const config = folder.configFor('refused', overrides, more);
  const dispose = jest.fn(() => Promise.resolve());
  const given = { rewards: new Map([['jpeg-incompressibility', { ...red, dispose }]]) };
  const { numTensors, numDataBuffers } = tf.memory();
  await expect(openRun(config, given)).rejects.toThrow(message);
  expect(tf.memory()).toMatchObject({ numTensors, numDataBuffers });
});

test('an adapter that a run starts from is its start, and freed', async () => {
  const { numTensors } = tf.memory();
  const fresh = await openRun(folder.configFor('fresh'));
  const opened = tf.memory().numTensors;
  fresh.dispose();
  expect(tf.memory().numTensors).toBe(numTensors);
  const started = await openRun(folder.configFor('s', [`lora.from=${await writeAdapter(8)}`]));
  expect(tf.memory().numTensors).toBe(opened);
  started.dispose();
  expect(tf.memory().numTensors).toBe(numTensors);
});

test('a run leaves nothing compiled', async () => {
  const before = compiledMemory();
  const { numTensors } = tf.memory();
  for (const name of ['one', 'two']) {
    await runLoop(folder.configFor(name, ['iterations=1']), recordRun(), forever);
    expect(compiledMemory()).toEqual(before);
  }
  expect(tf.memory().numTensors).toBe(numTensors);
});
