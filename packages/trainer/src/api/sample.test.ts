/** `sample` under other schedulers against diffusers' pipeline on the embedded model. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';

import {
  float32Tensor,
  readSafetensors,
  toFloat32Array,
  writeSafetensors,
} from '@loop-diffusion/safetensors';
import { shapesModelFolder } from '@loop-diffusion/shapes-benchmark';
import * as tf from '@tensorflow/tfjs-core';

import { FIXTURES, readJson } from '../testing/fixtures';
import { sampleImages } from './sample';

const RECORDED = join(FIXTURES, 'samplers/io.safetensors');
const settings = readJson(FIXTURES, 'samplers/cases.json') as {
  prompts: string[];
  steps: number;
  guidance: number;
};

/** A pipeline's latents have 2.9e-6 of the largest value, times guidance. Measured 8.6e-6. */
const FLOAT32_NOISE = 2e-5;

const tensorsOf = (file: string) => readSafetensors(readFileSync(file)).tensors;
const recorded = tensorsOf(RECORDED);

test.each(['euler', 'dpm-solver++'] as const)(
  "%s ends where diffusers' does",
  async (scheduler) => {
    const out = mkdtempSync(join(tmpdir(), 'loop-diffusion-'));
    try {
      const trace = join(out, 'trace.safetensors');
      const { images } = await sampleImages({
        ...settings,
        ...{ model: 'shapes', seed: 0, eta: 1, backend: 'auto', out, latents: RECORDED, trace },
        scheduler,
      });
      expect(images).toHaveLength(settings.prompts.length);
      const traced = tensorsOf(trace);
      expect([...traced.keys()].sort()).toEqual(['latents', 'timesteps']);
      expect(toFloat32Array(traced.get('timesteps')!)).toEqual(
        toFloat32Array(recorded.get(`${scheduler}.timesteps`)!),
      );
      const { shape } = traced.get('latents')!;
      const size = shape.slice(2).reduce((product, side) => product * side, 1);
      const points = toFloat32Array(traced.get('latents')!);
      const expected = toFloat32Array(recorded.get(`${scheduler}.final`)!);
      const largest = Math.max(...expected.map(Math.abs));
      settings.prompts.forEach((_, image) => {
        const end = (image + 1) * (settings.steps + 1) * size;
        const difference = points
          .subarray(end - size, end)
          .map((value, index) => Math.abs(value - expected[image * size + index]!));
        expect(Math.max(...difference) / largest).toBeLessThan(FLOAT32_NOISE);
      });
    } finally {
      rmSync(out, { recursive: true });
    }
  },
);

test('once its functions are compiled, every scheduler frees all that it made', async () => {
  const out = mkdtempSync(join(tmpdir(), 'loop-diffusion-'));
  try {
    const counts: number[] = [];
    for (const [index, scheduler] of (['euler', 'euler', 'dpm-solver++'] as const).entries()) {
      const folder = join(out, String(index));
      const options = { model: 'shapes', seed: 0, eta: 1, backend: 'auto', out: folder } as const;
      await sampleImages({ ...settings, ...options, steps: 3, scheduler });
      counts.push(tf.memory().numTensors);
    }
    expect(counts).toEqual(counts.map(() => counts[0]));
  } finally {
    rmSync(out, { recursive: true });
  }
});

describe('of several images', () => {
  const shared = { model: 'shapes', seed: 3, steps: 2, guidance: 1, backend: 'auto' } as const;
  let out: string;
  beforeEach(() => {
    out = mkdtempSync(join(tmpdir(), 'loop-diffusion-'));
  });
  afterEach(() => {
    rmSync(out, { recursive: true });
  });
  const read = (...path: string[]) => readFileSync(join(out, ...path));

  test('the first of each prompt does not depend on their number, and the trace gives them again', async () => {
    const prompts = ['a red circle', 'two blue squares'];
    const trace = join(out, 'trace.safetensors');
    const once = await sampleImages({ ...shared, eta: 1, prompts, out: join(out, 'once') });
    const twice = await sampleImages({
      ...{ ...shared, eta: 1, prompts, count: 2, grid: true },
      ...{ out: join(out, 'twice'), trace },
    });
    expect(once.images.map(({ prompt }) => prompt)).toEqual(prompts);
    expect(twice.images.map(({ prompt }) => prompt)).toEqual([...prompts, ...prompts]);
    expect(readdirSync(join(out, 'twice')).sort()).toEqual([
      '000-a-red-circle.png',
      '001-two-blue-squares.png',
      '002-a-red-circle.png',
      '003-two-blue-squares.png',
      'grid.png',
    ]);
    for (const file of ['000-a-red-circle.png', '001-two-blue-squares.png']) {
      expect(read('twice', file)).toEqual(read('once', file));
    }
    expect(read('twice', '002-a-red-circle.png')).not.toEqual(read('once', '000-a-red-circle.png'));

    // By the trace alone, whatever the seed.
    const noise = tensorsOf(trace).get('noise')!;
    expect(noise.shape).toEqual([4, 2, ...tensorsOf(trace).get('latents')!.shape.slice(2)]);
    const starts = join(out, 'starts.safetensors');
    writeFileSync(starts, firstLatents(trace));
    await sampleImages({
      ...{ ...shared, eta: 1, prompts, count: 2, seed: 9 },
      ...{ out: join(out, 'again'), latents: starts, noise: trace },
    });
    for (const { file } of twice.images) {
      expect(read('again', basename(file))).toEqual(readFileSync(file));
    }
  });

  test('the base stands beside what was trained, from the same noise', async () => {
    const prompts = ['a red circle'];
    const plain = await sampleImages({ ...shared, eta: 1, prompts, out: join(out, 'plain') });
    // The same model by the place of its UNet.
    const unet = shapesModelFolder();
    const result = await sampleImages({
      ...{ ...shared, eta: 1, prompts, unet, base: true, grid: true },
      out: join(out, 'both'),
    });
    expect(result.base).toEqual([
      { file: join(out, 'both', 'base', '000-a-red-circle.png'), prompt: 'a red circle' },
    ]);
    expect(readFileSync(result.base![0]!.file)).toEqual(readFileSync(plain.images[0]!.file));
    expect(result.grid).toBe(join(out, 'both', 'grid.png'));
  });

  test('nothing is written over', async () => {
    const options = { ...shared, eta: 1, prompts: ['a red circle'] };
    writeFileSync(join(out, 'mine.png'), 'precious');
    await expect(sampleImages({ ...options, out })).rejects.toThrow('is not empty');
    const trace = join(out, 'mine.png');
    await expect(sampleImages({ ...options, out: join(out, 'new'), trace })).rejects.toThrow(
      'exists already',
    );
    expect(readdirSync(out)).toEqual(['mine.png']);
  });

  test('a prompt that the model reads the beginning of only is named', async () => {
    const words =
      'a red circle and a blue square and a green triangle and an orange circle '.repeat(3);
    const { cutOff } = await sampleImages({
      ...{ ...shared, eta: 1, prompts: ['a red circle', words.trim()] },
      out: join(out, 'new'),
    });
    expect(cutOff).toMatchObject({ count: 1, prompt: words.trim() });
    expect(cutOff?.lost).toContain('orange circle');
  });
});

function firstLatents(trace: string): Uint8Array {
  const { shape, ...tensor } = tensorsOf(trace).get('latents')!;
  const [count = 0, points = 0, ...image] = shape;
  const size = image.reduce((product, side) => product * side, 1);
  const values = toFloat32Array({ shape, ...tensor });
  const first = new Float32Array(count * size);
  for (let row = 0; row < count; row += 1) {
    first.set(values.subarray(row * points * size, row * points * size + size), row * size);
  }
  return writeSafetensors([['latents', float32Tensor(first, [count, ...image])]]);
}
