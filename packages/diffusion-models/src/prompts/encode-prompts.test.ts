import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { loadStableDiffusion } from '../folder/load-stable-diffusion';
import type { StableDiffusion } from '../folder/stable-diffusion';
import { fixtureTensors, largestDifference } from '../testing/tensors';
import { encodeEmptyPrompt, encodePrompts } from './encode-prompts';

/** float32 noise of CLIP is 3.1e-6. */
const TOLERANCE = 2e-5;
const folder = join(__dirname, '../../fixtures/pipeline-xl');
const expected = fixtureTensors(readFileSync(join(folder, 'io.safetensors')));
const { prompts } = JSON.parse(readFileSync(join(folder, 'cases.json'), 'utf8')) as {
  prompts: string[];
};
let model: StableDiffusion;
beforeAll(async () => {
  model = await loadStableDiffusion({
    name: folder,
    exists: (path) => Promise.resolve(existsSync(join(folder, path))),
    read: (path) => Promise.resolve(new Uint8Array(readFileSync(join(folder, path)))),
  });
});

test("gives the states and the embedding of diffusers' XL pipeline", () => {
  const before = tf.memory().numTensors;
  const { states, pooled } = encodePrompts(model, prompts);
  expect(tf.memory().numTensors).toBe(before + 2);
  expect(largestDifference(states, expected('states'))).toBeLessThan(TOLERANCE);
  expect(largestDifference(pooled!, expected('pooled'))).toBeLessThan(TOLERANCE);
});

test('the empty prompt is zeros, or what the encoders make of it', () => {
  const zeros = encodeEmptyPrompt(model);
  expect(zeros.states.shape).toEqual([1, 77, 20]);
  expect(zeros.pooled?.shape).toEqual([1, 10]);
  expect(tf.max(tf.abs(zeros.states)).dataSync()[0]).toBe(0);
  const encoded = encodeEmptyPrompt({ ...model, zeroEmptyPrompt: false });
  expect(largestDifference(encoded.states, expected('empty.states'))).toBeLessThan(TOLERANCE);
  expect(largestDifference(encoded.pooled!, expected('empty.pooled'))).toBeLessThan(TOLERANCE);
});
