/** `sample` under other schedulers against diffusers' pipeline on the embedded model. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { readSafetensors, toFloat32Array } from '@loop-diffusion/safetensors';
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
    for (const scheduler of ['euler', 'euler', 'dpm-solver++'] as const) {
      const options = { model: 'shapes', seed: 0, eta: 1, backend: 'auto', out } as const;
      await sampleImages({ ...settings, ...options, steps: 3, scheduler });
      counts.push(tf.memory().numTensors);
    }
    expect(counts).toEqual(counts.map(() => counts[0]));
  } finally {
    rmSync(out, { recursive: true });
  }
});
