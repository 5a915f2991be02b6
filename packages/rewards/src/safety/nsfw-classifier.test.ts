import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { compileFunction } from 'node:vm';

import '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs-core';
import { load } from 'nsfwjs/core';
import { MobileNetV2Model } from 'nsfwjs/models/mobilenet_v2';

import type { Image } from '../image';
import { decodePicture } from '../png';
import { scoreAll } from '../score-all';
import { NSFW_CLASSES, type NsfwClassifier, nsfwClassifier } from './nsfw-classifier';
import { nsfwFilter } from './nsfw-filter';
import { nsfwReward } from './nsfw-reward';

/** As nsfwjs has it, but its files are run by Node: Jest takes a quarter of a minute over a line of megabytes. */
jest.mock('nsfwjs/models/mobilenet_v2', () => {
  const entry = require.resolve('nsfwjs/models/mobilenet_v2');
  const run = (file: string) => () => {
    const path = entry.replace(
      /cjs.models.mobilenet_v2\.js$/,
      `models/mobilenet_v2/${file}.min.js`,
    );
    const module = { exports: undefined };
    const load = compileFunction(readFileSync(path, 'utf8'), ['module', 'exports']);
    Reflect.apply(load, undefined, [module, {}]);
    // Copied, as lists of Node's are none to Jest.
    return Promise.resolve({ default: JSON.parse(JSON.stringify(module.exports)) as unknown });
  };
  return {
    MobileNetV2Model: {
      name: 'MobileNetV2',
      numOfWeightBundles: 1,
      modelJson: run('model'),
      weightBundles: [run('group1-shard1of1')],
    },
  };
});

/** Seeded noise (mulberry32) around a colour. */
function noise(width: number, height: number, seed: number): Image {
  let state = seed;
  const data = Uint8Array.from({ length: width * height * 3 }, () => {
    state = (state + 0x6d2b79f5) | 0;
    let bits = Math.imul(state ^ (state >>> 15), 1 | state);
    bits = (bits + Math.imul(bits ^ (bits >>> 7), 61 | bits)) ^ bits;
    return (bits ^ (bits >>> 14)) & 255;
  });
  return { width, height, data };
}

let classifier: NsfwClassifier;
let images: Image[];
let tensorsBefore: number;

beforeAll(async () => {
  await tf.setBackend('wasm');
  tensorsBefore = tf.memory().numTensors;
  classifier = await nsfwClassifier();
  const photograph = join(__dirname, '..', 'objects', 'fixtures', 'cat-256x170.jpg');
  images = [await decodePicture(await readFile(photograph)), noise(64, 64, 1), noise(300, 97, 2)];
  images.push({ width: 224, height: 224, data: new Float32Array(224 * 224 * 3).fill(0.25) });
});

it('gives the probabilities of nsfwjs itself', async () => {
  jest.spyOn(console, 'info').mockImplementation(() => undefined);
  const reference = await load('MobileNetV2', { modelDefinitions: [MobileNetV2Model] });
  const ours = await classifier.classify(images);
  for (const [index, { width, height, data }] of images.entries()) {
    const bytes = data instanceof Uint8Array ? data : data.map((value) => Math.round(value * 255));
    const pixels = tf.tensor3d(Array.from(bytes), [height, width, 3], 'int32');
    for (const { className, probability } of await reference.classify(pixels)) {
      const name = className.toLowerCase() as (typeof NSFW_CLASSES)[number];
      // One batch of four against four of one: sums of float32 in another order.
      expect(Math.abs(ours[index]![name] - probability)).toBeLessThan(1e-5);
    }
    pixels.dispose();
  }
  reference.dispose();
});

it('gives probabilities, the same whatever else is in the batch', async () => {
  const together = await classifier.classify(images);
  const alone = (await Promise.all(images.map((image) => classifier.classify([image])))).flat();
  for (const [index, probabilities] of together.entries()) {
    const sum = NSFW_CLASSES.reduce((total, name) => total + probabilities[name], 0);
    expect(Math.abs(sum - 1)).toBeLessThan(1e-6);
    for (const name of NSFW_CLASSES) {
      expect(Math.abs(probabilities[name] - alone[index]![name])).toBeLessThan(1e-5);
    }
  }
  // They are not all alike, so that a mix-up would show.
  const neutrals = together.map(({ neutral }) => neutral.toFixed(3));
  expect(new Set(neutrals).size).toBe(images.length);
});

it('leaves no tensor behind', async () => {
  const before = tf.memory().numTensors;
  await classifier.classify(images);
  await expect(classifier.classify([])).resolves.toEqual([]);
  expect(tf.memory().numTensors).toBe(before);
  classifier.dispose();
  expect(tf.memory().numTensors).toBe(tensorsBefore);
});

it('is a reward: the probability of neutral and drawing', async () => {
  const reward = await nsfwReward();
  const [result] = await scoreAll(reward, { images: images.slice(0, 1), prompts: ['a cat'] });
  expect(result).toMatchObject({ ok: true });
  const { value, components } = result as { value: number; components: Record<string, number> };
  expect(value).toBe(components['neutral']! + components['drawing']!);
  // A cat.
  expect(value).toBeGreaterThan(0.9);
  expect(reward.version).toContain(classifier.version);
  await reward.dispose!();
  expect(tf.memory().numTensors).toBe(tensorsBefore);
});

it('is freed by a filter that opened it', async () => {
  const filter = await nsfwFilter();
  expect(await filter(images.slice(0, 1))).toEqual([true]);
  expect(tf.memory().numTensors).toBeGreaterThan(tensorsBefore);
  filter.dispose();
  expect(tf.memory().numTensors).toBe(tensorsBefore);
});

it('fails a filter at once where its threshold is no probability', async () => {
  await expect(nsfwFilter({ threshold: 1.5 })).rejects.toThrow(RangeError);
  await expect(nsfwFilter({ threshold: Number.NaN })).rejects.toThrow(RangeError);
});
