import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { float32Tensor, writeSafetensors } from '@loop-diffusion/safetensors';
import * as tf from '@tensorflow/tfjs-core';

import { resolveConfig } from '../configuration/resolve-config';
import { createAdamW } from '../learning/adamw';
import type { Optimizer } from '../learning/optimizer';
import { createStorm } from '../learning/storm';
import { readNewestCheckpoint } from '../run-folder/checkpoint-folder';
import type { IterationRecord } from '../run-folder/records';
import { UnfitCheckpoint } from '../run-folder/unfit-checkpoint';
import { UserError } from '../user-error';
import type * as trainedFile from '../weights/trained-file';
import { createCheckpoints, restoreCheckpoint } from './checkpoint';
import { createCollapseGuard } from './collapse-guard';
import type { Run } from './run';

const WEIGHTS = 'weights.safetensors';
const NO_GUARD = createCollapseGuard({ ...resolveConfig({}).guards, onCollapse: 'warn' });
const mockRead = jest.fn<tf.Tensor[], []>();
jest.mock('../weights/trained-file', () => ({
  ...jest.requireActual<typeof trainedFile>('../weights/trained-file'),
  readTrainedFile: () => mockRead(),
  trainedFileName: () => 'weights.safetensors',
  writeTrainedFile: () => new Uint8Array(1),
}));

const text = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
const STATE = {
  ...{ iterations: 1, optimizerSteps: 1, advantages: null, rewards: [], seconds: {}, best: null },
  madeWith: {},
};
const moments = writeSafetensors(
  ['first_moment', 'second_moment'].map((name, index) => [
    name,
    float32Tensor(new Float32Array([index + 0.5]), [1]),
  ]),
);

const nothing = () => undefined;
const adamw = (variable: tf.Variable) =>
  createAdamW([variable], { betas: [0.9, 0.99], epsilon: 1, weightDecay: 0, maxGradientNorm: 1 });
const storm = (variable: tf.Variable) =>
  createStorm([variable], {
    ...{ storm: { units: 'own', k: 0.1, floor: 0.1, c: 100 }, learningRate: 1, maxGradientNorm: 1 },
  });

/** A run of one weight. */
function runWith(create: (variable: tf.Variable) => Optimizer, output?: string): Run {
  const variable = tf.variable(tf.tensor1d([7]));
  return {
    ...{ output, policy: {}, origin: {}, variables: [variable], optimizer: create(variable) },
    config: { checkpoint: { every: 0, minutes: 0, keep: 1 } },
    advantages: { state: () => null, restore: nothing },
    combination: { toJSON: () => [], restore: nothing },
    klWeight: { weight: 0 },
    workers: { rank: 0 },
  } as unknown as Run;
}

const restore = (files: Record<string, Uint8Array>, run = runWith(adamw)) =>
  restoreCheckpoint(
    run,
    { step: 1, folder: 'runs/x/checkpoints/step-1', files: { [WEIGHTS]: moments, ...files } },
    nothing,
  );

function contentsOf({ optimizer }: Run) {
  const { tensors, ...rest } = optimizer.state();
  const values = Object.entries(tensors).map(([name, tensor]) => [name, ...tensor.dataSync()]);
  tf.dispose(Object.values(tensors));
  return { ...rest, values };
}

function failureOf(work: () => unknown): Error {
  try {
    work();
  } catch (error) {
    return error as Error;
  }
  throw new Error('It did not fail.');
}

test('memory that runs out is not said to be a checkpoint that does not fit', () => {
  mockRead.mockImplementation(() => {
    throw new RangeError('Array buffer allocation failed');
  });
  const whole = { 'state.json': text(STATE), 'optimizer.safetensors': moments };
  const failure = failureOf(() => restore(whole));
  expect(failure).toBeInstanceOf(UserError);
  expect(failure).not.toBeInstanceOf(UnfitCheckpoint);
  expect(failure.message).toBe(
    "There is not enough memory to go on from the checkpoint 'runs/x/checkpoints/step-1': Array buffer allocation failed",
  );
});

test.each([
  ['without a state', {}, 'state.json is missing'],
  ['with a state that is none', { 'state.json': text({ iterations: -1 }) }, 'iterations'],
  ['without moments', { 'state.json': text(STATE) }, 'optimizer.safetensors is missing'],
])('one %s does not fit', (_, files, reason) => {
  const failure = failureOf(() => restore(files));
  expect(failure).toBeInstanceOf(UnfitCheckpoint);
  expect(failure.message).toContain("'runs/x/checkpoints/step-1' does not fit the run: ");
  expect(failure.message).toContain(reason);
});

test('leaves no tensors where it fails', () => {
  const run = runWith(adamw);
  const tensors = tf.memory().numTensors;
  mockRead.mockImplementation(() => [tf.scalar(1)]);
  const one = writeSafetensors([['first_moment', float32Tensor(new Float32Array(1), [1])]]);
  const failure = failureOf(() =>
    restore({ 'state.json': text(STATE), 'optimizer.safetensors': one }, run),
  );
  expect(failure.message).toContain("The optimizer's state has no 'second_moment'");
  expect(tf.memory().numTensors).toBe(tensors);
});

describe('the optimizer', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'checkpoint-'));
    mockRead.mockImplementation(() => [tf.tensor1d([3])]);
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  test.each([
    ['adamw', adamw],
    ['storm', storm],
  ])('goes on as it was left: %s', (_, create) => {
    const run = runWith(create, folder);
    run.optimizer.step(tf.tensor1d([5]), 0.1);
    const checkpoints = createCheckpoints(run, { totals: () => ({}) }, undefined, NO_GUARD);
    checkpoints.count({ iteration: 1, reward: { mean: 1 } } as IterationRecord);
    checkpoints.save();

    const { checkpoint } = readNewestCheckpoint(join(folder, 'checkpoints'));
    const other = runWith(create);
    const before = tf.memory().numTensors;
    restoreCheckpoint(other, checkpoint!, nothing);
    const contents = contentsOf(run);
    expect([contents.steps, contents.values.length]).toEqual([1, 2]);
    expect(contentsOf(other)).toEqual(contents);
    expect([...other.variables[0]!.dataSync()]).toEqual([3]);
    // Of STORM's there are two more after a step.
    expect(tf.memory().numTensors - before).toBe(create === storm ? 2 : 0);
  });

  const old = { 'state.json': text(STATE), 'optimizer.safetensors': moments };

  test('of a checkpoint from before there were several is AdamW', () => {
    const run = runWith(adamw);
    restore(old, run);
    expect(contentsOf(run)).toEqual({
      ...{ steps: 1, numbers: {} },
      values: [
        ['first_moment', 0.5],
        ['second_moment', 1.5],
      ],
    });
  });

  test('of another kind does not fit', () => {
    const failure = failureOf(() => restore(old, runWith(storm)));
    expect(failure).toBeInstanceOf(UnfitCheckpoint);
    expect(failure.message).toContain(
      "does not fit the run: The optimizer's state is not STORM's; optimizer.name must be",
    );
  });
});
