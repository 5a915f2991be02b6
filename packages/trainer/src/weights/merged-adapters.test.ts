import { join } from 'node:path';

import { mergeLora } from '@loop-diffusion/diffusion-models';
import * as tf from '@tensorflow/tfjs-core';

import { largestDifference, loadPipeline, PIPELINE } from '../testing/fixtures';
import { readLoraFiles, withMergedAdapters } from './merged-adapters';
import { openAdapter } from './open-adapter';

const LORA = join(PIPELINE, '../lora-any-layer/pipeline');

test('takes the place of the model and frees all with it', async () => {
  const before = tf.memory().numTensors;
  const [file] = await readLoraFiles([{ path: LORA, weight: 0.5 }]);
  const original = await loadPipeline();
  const expected = mergeLora(
    original.unet.weights,
    openAdapter(LORA, file!, original.unet.weights),
    0.5,
  );
  const model = await loadPipeline();
  const loaded = tf.memory().numTensors;
  const merged = withMergedAdapters(model, [file!]);
  expect(tf.memory().numTensors).toBe(loaded);
  for (const [key, weight] of Object.entries(expected)) {
    expect(largestDifference(merged.unet.weights[key]!, weight)).toBe(0);
  }
  merged.dispose();
  original.dispose();
  expect(tf.memory().numTensors - before).toBe(3 * 83);
});

test('leaves a model as it was when an adapter is none', async () => {
  const files = await readLoraFiles([
    { path: LORA, weight: 1 },
    { path: join(PIPELINE, 'io.safetensors'), weight: 1 },
  ]);
  const model = await loadPipeline();
  const before = tf.memory().numTensors;
  expect(() => withMergedAdapters(model, files)).toThrow("io.safetensors' cannot be used");
  expect(tf.memory().numTensors).toBe(before);
  expect(Object.values(model.unet.weights).some(({ isDisposed }) => isDisposed)).toBe(false);
  model.dispose();
});
