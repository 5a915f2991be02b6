import { truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { z } from 'zod';

import { clipScore } from './clip-score';
import { imageReward } from './image-reward';
import { openModelFiles } from './model-files';
import { fixture, readImages, withModel } from './testing/golden';

const anything = z.looseObject({});

it('hashes names and content of what was asked for, and nothing else', async () => {
  const hashOf = async (folder: string, ...paths: string[]) => {
    const files = await openModelFiles('test', folder);
    for (const path of paths) await files.locate(path);
    return files.sha256();
  };
  const model = fixture('clip');
  const config = await hashOf(model, 'config.json');
  expect(await hashOf(model, 'tokenizer.json', 'config.json')).toBe(
    await hashOf(model, 'config.json', 'tokenizer.json'),
  );
  await withModel('clip', { 'tokenizer.json': '{}' }, async (folder) => {
    expect(await hashOf(folder, 'config.json')).toBe(config);
    expect(await hashOf(folder, 'config.json', 'tokenizer.json')).not.toBe(
      await hashOf(model, 'config.json', 'tokenizer.json'),
    );
  });
});

it('gives other weights another version, at the same size too', async () => {
  const before = await clipScore({ model: fixture('clip') });
  await withModel('clip', { 'preprocessor_config.json': undefined }, async (folder) => {
    const files = await openModelFiles('test', fixture('clip'));
    const config = await files.readJson('preprocessor_config.json', anything);
    const other = JSON.stringify({ ...config, image_mean: [0.48145466, 0.4578275, 0.40821072] });
    writeFileSync(join(folder, 'preprocessor_config.json'), other);
    const after = await clipScore({ model: folder });
    expect(after.version).not.toBe(before.version);
    await after.dispose?.();
  });
  await before.dispose?.();
});

it('says what is missing', async () => {
  await expect(clipScore({ model: '/no/such/folder' })).rejects.toThrow(
    "The model '/no/such/folder' is no folder; expected one, or hf:owner/name[@revision]",
  );
  await withModel('clip', { 'onnx/text_model.onnx': undefined }, async (folder) => {
    await expect(clipScore({ model: folder })).rejects.toThrow(
      `The model '${folder}' has no file 'onnx/text_model.onnx'`,
    );
  });
});

it.each([
  ['tokenizer.json', '{"model"', "'tokenizer.json' of the model '.*' is not valid JSON"],
  ['tokenizer.json', '{}', "'tokenizer.json' of the model '.*' is not as expected at 'model'"],
  [
    'tokenizer.json',
    '{"model": {"type": "Nope"}}',
    "'tokenizer.json' is no tokenizer that can be used",
  ],
  ['tokenizer_config.json', '{"model_max_length": -1}', "not as expected at 'model_max_length'"],
  ['tokenizer_config.json', '{"model_max_length": 1e30}', 'expected at most 4096'],
  [
    'reward.json',
    '{"logitScale": 1e9}',
    "'reward.json' of the model '.*' is not as expected at 'logitScale'",
  ],
  ['reward.json', '{"aesthetic": {"v2": {"weight": [], "bias": 0}}}', "at 'aesthetic.v2.weight'"],
  [
    'onnx/vision_model.onnx',
    'not a graph',
    "'onnx/vision_model.onnx' is no graph that onnxruntime opens",
  ],
])('refuses a broken %s: %s', async (path, text, message) => {
  await withModel('clip', { [path]: text }, async (folder) => {
    await expect(clipScore({ model: folder })).rejects.toThrow(new RegExp(message));
  });
});

it('refuses a file that is too large, before it is read', async () => {
  await withModel('clip', {}, async (folder) => {
    truncateSync(join(folder, 'tokenizer.json'), 32 * 1024 ** 2 + 1);
    await expect(clipScore({ model: folder })).rejects.toThrow(
      `'tokenizer.json' of the model '${folder}' has 33554433 bytes; expected at most 33554432`,
    );
  });
});

it('names the outputs of a graph that is another', async () => {
  await expect(imageReward({ model: fixture('blip-vqa') })).rejects.toThrow(
    "'onnx/text_model.onnx' has the outputs answer_logits; expected reward",
  );
});

it('makes a failure of numbers that are none', async () => {
  const infinite = JSON.stringify({ imageReward: { mean: 0, standardDeviation: 5e-324 } });
  await withModel('image-reward', { 'reward.json': infinite }, async (folder) => {
    const reward = await imageReward({ model: folder });
    const images = (await readImages()).slice(0, 1);
    const [result] = await reward.score({ images, prompts: ['a red car'] });
    expect(result).toMatchObject({ ok: false, kind: 'non-finite', retryable: false });
    await reward.dispose?.();
  });
  // Means and deviations so small that a pixel overflows float32: the graph itself gives NaN.
  const config = JSON.stringify({
    size: { shortest_edge: 32 },
    crop_size: 32,
    image_mean: [0.5, 0.5, 0.5],
    image_std: [1e-300, 1e-300, 1e-300],
  });
  await withModel('clip', { 'preprocessor_config.json': config }, async (folder) => {
    const reward = await clipScore({ model: folder });
    const images = (await readImages()).slice(0, 1);
    const [result] = await reward.score({ images, prompts: ['a red car'] });
    expect(result).toMatchObject({ ok: false, kind: 'non-finite' });
    await reward.dispose?.();
  });
});

it('says what to install', async () => {
  jest.resetModules();
  const missing = Object.assign(new Error('not there'), { code: 'MODULE_NOT_FOUND' });
  jest.doMock('onnxruntime-node', () => {
    throw missing;
  });
  const fresh = await import('./clip-score');
  await expect(fresh.clipScore({ model: fixture('clip') })).rejects.toThrow(
    'Reward "clip-score" needs onnxruntime-node: npm install onnxruntime-node',
  );
  jest.dontMock('onnxruntime-node');
});
