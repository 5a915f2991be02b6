/** Whole pipelines against diffusers' own, from given latents: text encoders, added condition, guidance, DDIM, decoder. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import {
  createNoiseSchedule,
  parseSchedulerConfig,
  planDenoiseSteps,
} from '@loop-diffusion/diffusion-mdp';
import { loadStableDiffusion, type StableDiffusion } from '@loop-diffusion/diffusion-models';
import { readSafetensors, toFloat32Array } from '@loop-diffusion/safetensors';

import { toChannelsFirst, toChannelsLast } from '../api/channels-first';
import { nodeFolderReader } from '../files/node-folder-reader';
import { createCompute } from './compute';
import { decodeImages } from './decode';
import { latentShape } from './latent-shape';
import { sampleTrajectories } from './rollout';
import { disposeTexts } from './text-condition';
import { createTextSource } from './text-source';

const FIXTURES = join(__dirname, '../../../diffusion-models/fixtures');

async function open(name: string) {
  const folder = join(FIXTURES, name);
  const { tensors } = readSafetensors(readFileSync(join(folder, 'io.safetensors')));
  const { prompts, ...cases } = JSON.parse(readFileSync(join(folder, 'cases.json'), 'utf8')) as {
    prompts: string[];
    steps?: number;
    num_inference_steps?: number;
  };
  return {
    model: await loadStableDiffusion(nodeFolderReader(folder)),
    known: (key: string) => {
      const tensor = tensors.get(key);
      return tensor && toFloat32Array(tensor);
    },
    prompts,
    steps: cases.steps ?? cases.num_inference_steps!,
  };
}

interface Case {
  readonly pipeline: string;
  readonly latents: string;
  readonly image?: string;
  readonly guidance: number;
  readonly change?: Partial<StableDiffusion>;
}

const cases: readonly Case[] = [
  {
    ...{ pipeline: 'pipeline', guidance: 5 },
    ...{ latents: 'ddim.final_latents', image: 'ddim.image' },
  },
  { pipeline: 'pipeline', guidance: 1, latents: 'ddim_noguidance.final_latents' },
  {
    ...{ pipeline: 'pipeline-sd2', guidance: 7.5 },
    ...{ latents: 'ddim.final_latents', image: 'ddim.image' },
  },
  { pipeline: 'pipeline-sd2', guidance: 1, latents: 'ddim_noguidance.final_latents' },
  { pipeline: 'pipeline-xl', guidance: 5, latents: 'guided.latents' },
  { pipeline: 'pipeline-xl', guidance: 1, latents: 'plain.latents' },
  {
    ...{ pipeline: 'pipeline-xl', guidance: 5, latents: 'encoded_empty.latents' },
    change: { zeroEmptyPrompt: false },
  },
];

test.each(cases)('$pipeline: $latents', async ({ pipeline, latents, image, guidance, change }) => {
  const { model, known, prompts, steps } = await open(pipeline);
  const shape = latentShape(model);
  const size = shape[0] * shape[1] * shape[2];
  const rowOf = (values: Float32Array, row: number) =>
    values.subarray(row * size, (row + 1) * size);
  const start = known('latents')!;
  const schedule = createNoiseSchedule(parseSchedulerConfig(model.scheduler));
  const text = {
    prompts: createTextSource(model, shape).encode(prompts),
    empty: createTextSource({ ...model, ...change }, shape).empty(),
  };
  const compute = createCompute();
  const store = await sampleTrajectories(
    { unet: model.unet, schedule, guidance, compute },
    {
      ...{ ...text, promptOfImage: [0, 1], latentShape: shape, batch: 2 },
      noise: (row) => toChannelsLast(rowOf(start, row), shape),
      plan: planDenoiseSteps(schedule, { steps, eta: 0 }),
    },
  );
  disposeTexts(text.prompts, text.empty);
  const expected = known(latents)!;
  const largest = Math.max(...expected.map(Math.abs));
  for (const row of [0, 1]) {
    const actual = toChannelsFirst(store.latents(row).slice(-size), shape);
    // float32 noise of a pipeline's latents is 2.9e-6 of the largest; another order of sums gives it a few times over.
    expect(difference(actual, rowOf(expected, row)) / largest).toBeLessThan(2e-5);
  }
  if (image !== undefined) {
    const drawn = decodeImages({ model, compute }, store.finalLatents([0, 1]), 2);
    for (const [row, { data, width, height }] of drawn.entries()) {
      const pixels = 3 * width * height;
      const picture = known(image)!.subarray(row * pixels, (row + 1) * pixels);
      const actual = toChannelsFirst(data as Float32Array, [height, width, 3]);
      expect(difference(actual, picture)).toBeLessThan(5e-5);
    }
  }
});

test('sizes in pixels', async () => {
  const { model } = await open('pipeline-xl');
  expect(latentShape(model)).toEqual([8, 8, 4]);
  expect(latentShape(model, { height: 24, width: null })).toEqual([12, 8, 4]);
  expect(() => latentShape(model, { width: 17 })).toThrow(
    'The width of 17 pixels is no multiple of 2, which this model needs; the nearest are 16 and 18',
  );
});

function difference(actual: Float32Array, expected: Float32Array): number {
  expect(actual.length).toBe(expected.length);
  return actual.reduce((worst, value, i) => Math.max(worst, Math.abs(value - expected[i]!)), 0);
}
