/** Runs that train all weights of the UNet: `lora: null`. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { readSafetensors, toFloat32Array } from '@loop-diffusion/safetensors';
import * as tf from '@tensorflow/tfjs-core';

import type { TrainConfig } from '../configuration/schema';
import { readNewestCheckpoint } from '../run-folder/checkpoint-folder';
import { PIPELINE } from '../testing/fixtures';
import { makeRunFolder, recordRun, type RunFolder } from '../testing/tiny-run';
import { runLoop } from './loop';

let folder: RunFolder;
beforeEach(() => {
  folder = makeRunFolder();
});
afterEach(() => {
  folder.remove();
});

const LEARNING_RATE = 1e-3;

const configFor = (name: string, overrides: string[] = []) =>
  folder.configFor(name, overrides, {
    lora: null,
    optimizer: { learningRate: LEARNING_RATE, schedule: 'constant' },
    samples: { count: 0 },
    checkpoint: { every: 1, keep: 2 },
  });

const forever = new AbortController().signal;
const WEIGHTS = join('unet', 'diffusion_pytorch_model.safetensors');

const numbers = (file: string) =>
  new Map(
    [...readSafetensors(new Uint8Array(readFileSync(file))).tensors].map(([key, tensor]) => [
      key,
      { shape: tensor.shape, values: toFloat32Array(tensor) },
    ]),
  );

test('every weight moves; a run that goes on is the one that never stopped, byte for byte', async () => {
  const straight = configFor('straight');
  const expected = recordRun();
  const whole = await runLoop(straight, expected, forever);
  const [first, second] = expected.iterations;
  expect(first!.skippedUpdates).toBe(0);
  // Two inner epochs: the second sees a policy that has moved. The mean of ½ (log ρ)² is to first order that of ½ (ρ − 1)²,
  // which the mean and the spread of the ratios make up, here with ratios within 0.03 of 1.
  const { ratio, approxKl } = first!;
  expect(ratio.std).toBeGreaterThan(1e-3);
  const expectedKl = ((ratio.mean - 1) ** 2 + ratio.std ** 2) / 2;
  expect(Math.abs(approxKl / expectedKl - 1)).toBeLessThan(2 * ratio.maxDeviation);
  expect(second!.tensors).toBe(first!.tensors);

  const before = numbers(join(PIPELINE, WEIGHTS));
  const after = numbers(join(straight.output, WEIGHTS));
  expect([...after.keys()].sort()).toEqual([...before.keys()].sort());
  for (const [key, { shape, values }] of after) {
    expect(shape).toEqual(before.get(key)!.shape);
    // AdamW's first step is of the learning rate for every number with a gradient, and each of the 8 of about as much at most.
    const old = before.get(key)!.values;
    const moved = Math.max(...values.map((value, index) => Math.abs(value - old[index]!)));
    expect(moved).toBeGreaterThan(LEARNING_RATE);
    expect(moved).toBeLessThan(8 * 1.2 * LEARNING_RATE);
  }
  expect(readdirSync(straight.output).sort()).toEqual(['checkpoints', 'unet']);

  const kept = tf.memory().numTensors;
  const broken = configFor('broken');
  const controller = new AbortController();
  const begun = recordRun();
  await runLoop(
    broken,
    {
      ...begun,
      // After the first optimizer step of the second iteration.
      phase: (phase, fraction) => {
        if (phase === 'update' && fraction > 0.5 && begun.iterations.length === 1) {
          controller.abort();
        }
      },
    },
    controller.signal,
  );
  const newest = ({ output }: TrainConfig) =>
    readNewestCheckpoint(join(output, 'checkpoints')).checkpoint!;
  expect(newest(broken).step).toBe(1);
  const differences: string[] = [];
  // As if it had not been evaluated before: its base is still what it began from.
  const summary = await runLoop(broken, recordRun(), forever, {
    checkpoint: newest(broken),
    evaluations: [],
    onDifference: (difference) => differences.push(difference),
  });
  expect(differences).toEqual([]);
  expect(tf.memory().numTensors).toBe(kept);
  const result = (config: TrainConfig) => readFileSync(join(config.output, WEIGHTS));
  expect(result(broken).equals(result(straight))).toBe(true);
  const { 'state.json': state, ...files } = newest(broken).files;
  const { 'state.json': expectedState, ...expectedFiles } = newest(straight).files;
  expect(state?.length).toBeGreaterThan(0);
  expect(expectedState?.length).toBeGreaterThan(0);
  expect(Object.keys(files).sort()).toEqual(['optimizer.safetensors', 'unet.safetensors']);
  expect(files).toEqual(expectedFiles);
  expect(new Uint8Array(result(straight))).toEqual(files['unet.safetensors']);
  expect(summary.evaluation).toEqual(whole.evaluation);
});

test('weighs in the divergence from the model that it began from', async () => {
  const config = configFor('divergence', [
    'algorithm.klWeight=0.1',
    'algorithm.innerEpochs=1',
    'algorithm.innerUpdates=1',
    'evaluate.images=0',
    'gradientCheckpointing=true',
  ]);
  const recording = recordRun();
  await runLoop(config, recording, forever);
  const [first, second] = recording.iterations.map(({ klReference }) => klReference!);
  // At first the policy is the reference; one optimizer step later it is not.
  expect(first).toBeLessThan(1e-9);
  expect(second).toBeGreaterThan(1e-5);
});

test("refuses an adapter's checkpoint", async () => {
  const overrides = ['iterations=1', 'evaluate.images=0'];
  const adapter = configFor('adapter', ['lora={rank: 2}', ...overrides]);
  await runLoop(adapter, recordRun(), forever);
  const { checkpoint } = readNewestCheckpoint(join(adapter.output, 'checkpoints'));
  const from = { checkpoint, evaluations: [], onDifference: () => undefined };
  await expect(runLoop(configFor('full', overrides), recordRun(), forever, from)).rejects.toThrow(
    'does not fit the run: unet.safetensors is missing',
  );
});
