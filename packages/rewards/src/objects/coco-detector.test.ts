import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs-core';

import { createReward } from '../create-reward';
import type { Image } from '../image';
import { decodePicture } from '../png';
import { scoreAll } from '../score-all';
import { intersectionOverUnion } from './boxes';
import { cocoDetector } from './coco-detector';
import { numeracyReward } from './numeracy-reward';
import type { Box, ObjectDetector } from './object-detector';
import { spatialReward } from './spatial-reward';

/** A grey picture with others pasted in at places. */
function collage(
  width: number,
  height: number,
  ...parts: readonly [Image, number, number][]
): Image {
  const data = new Uint8Array(width * height * 3).fill(136);
  for (const [part, left, top] of parts) {
    for (let y = 0; y < part.height; y += 1) {
      const row = part.data.subarray(3 * y * part.width, 3 * (y + 1) * part.width);
      data.set(row, 3 * ((top + y) * width + left));
    }
  }
  return { width, height, data };
}

const fixture = async (name: string) =>
  decodePicture(await readFile(join(__dirname, 'fixtures', name)));

let detector: ObjectDetector;
let cat: Image;
let cup: Image;
let tensorsBefore: number;

beforeAll(async () => {
  // In plain JavaScript one picture takes the better part of a minute.
  await tf.setBackend('wasm');
  tensorsBefore = tf.memory().numTensors;
  detector = await cocoDetector();
  [cat, cup] = await Promise.all([fixture('cat-256x170.jpg'), fixture('cup-256x170.jpg')]);
});

it('finds a cat beside a cup, in a picture of any shape', async () => {
  const tensors = tf.memory().numTensors;
  const pair = collage(512, 340, [cat, 0, 85], [cup, 256, 85]);
  const found = await detector.detect(pair, []);
  expect(tf.memory().numTensors).toBe(tensors);
  expect(found.map(({ label }) => label)).toEqual(expect.arrayContaining(['cat', 'cup']));
  // Where they are, drawn by hand: most of the cat's photograph, and the cup with its saucer.
  const places: Readonly<Record<string, Box>> = {
    cat: [0, 87, 238, 255],
    cup: [290, 92, 455, 245],
  };
  for (const { label, score, box } of found) {
    expect(score).toBeGreaterThanOrEqual(0.25);
    const place = places[label];
    if (place !== undefined) expect(intersectionOverUnion(box, place)).toBeGreaterThan(0.8);
  }
  const reward = spatialReward({ detector });
  const prompts = ['a cat on the left of a cup', 'a cat on the right of a cup'];
  const results = await scoreAll(reward, { images: [pair, pair], prompts });
  expect(results).toMatchObject([
    { ok: true, components: { position: 1 } },
    { ok: true, value: 0, components: { position: 0 } },
  ]);
});

it('counts cats', async () => {
  const three = collage(512, 340, [cat, 0, 0], [cat, 256, 0], [cat, 0, 170]);
  const prompts = ['three cats', 'two cats', 'three cats and a cup'];
  const results = await scoreAll(numeracyReward({ detector }), {
    images: prompts.map(() => three),
    prompts,
  });
  expect(results.map((result) => result.ok && result.value)).toEqual([1, 0.5, 0.5]);
});

it('gives one thing one name', async () => {
  // Alone and as large as the picture, the cat is also a dog, a bed and a person to the model.
  expect(await detector.detect(cat, [])).toHaveLength(1);
});

it('says what it can name, and what it is', () => {
  expect(detector.labels).toHaveProperty('size', 80);
  expect(detector.version).toMatch(/^centernet:1:[0-9a-f]{16}:0.25:0.5$/);
});

it('leaves no tensor behind', async () => {
  await detector.dispose!();
  expect(tf.memory().numTensors).toBe(tensorsBefore);
});

it.each(['spatial', 'numeracy'])(
  'is freed with the reward %s that was made by its name',
  async (name) => {
    const before = tf.memory().numTensors;
    const reward = await createReward(name, { minimumScore: 0.5 });
    expect(tf.memory().numTensors).toBeGreaterThan(before);
    await reward.dispose!();
    expect(tf.memory().numTensors).toBe(before);
  },
);
