import { float32Tensor, writeSafetensors } from '@loop-diffusion/safetensors';
import * as tf from '@tensorflow/tfjs-core';

import { UnfitCheckpoint } from '../run-folder/unfit-checkpoint';
import { UserError } from '../user-error';
import type * as trainedFile from '../weights/trained-file';
import { restoreCheckpoint } from './checkpoint';
import type { Run } from './run';

const mockRead = jest.fn<tf.Tensor[], []>();
jest.mock('../weights/trained-file', () => ({
  ...jest.requireActual<typeof trainedFile>('../weights/trained-file'),
  readTrainedFile: () => mockRead(),
  trainedFileName: () => 'weights',
}));

const text = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
const STATE = {
  ...{ iterations: 1, optimizerSteps: 1, advantages: null, rewards: [], seconds: {}, best: null },
  madeWith: {},
};
const moments = writeSafetensors(
  ['first_moment', 'second_moment'].map((name) => [name, float32Tensor(new Float32Array(1), [1])]),
);
const restore = (files: Record<string, Uint8Array>) =>
  restoreCheckpoint(
    { policy: {} } as Run,
    { step: 1, folder: 'runs/x/checkpoints/step-1', files: { weights: moments, ...files } },
    () => undefined,
  );
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
  const tensors = tf.memory().numTensors;
  mockRead.mockImplementation(() => [tf.scalar(1)]);
  const one = writeSafetensors([['first_moment', float32Tensor(new Float32Array(1), [1])]]);
  const failure = failureOf(() =>
    restore({ 'state.json': text(STATE), 'optimizer.safetensors': one }),
  );
  expect(failure.message).toContain('optimizer.safetensors has no second_moment');
  expect(tf.memory().numTensors).toBe(tensors);
});
