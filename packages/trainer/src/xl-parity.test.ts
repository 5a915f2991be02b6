/** Stable Diffusion XL's sampling against diffusers' pipeline: text encoders, added condition, guidance, empty prompt. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import {
  createNoiseSchedule,
  parseSchedulerConfig,
  planDenoiseSteps,
} from '@loop-diffusion/diffusion-mdp';
import { loadStableDiffusion, type StableDiffusion } from '@loop-diffusion/diffusion-models';
import { readSafetensors, toFloat32Array } from '@loop-diffusion/safetensors';

import { toChannelsFirst, toChannelsLast } from './channels-first';
import { nodeFolderReader } from './files/node-folder-reader';
import { latentShape } from './latent-shape';
import { disposeTexts, encodeEmptyText, encodeTexts } from './policy';
import { sampleTrajectories } from './rollout';

const FOLDER = join(__dirname, '../../diffusion-models/fixtures/pipeline-xl');
const { tensors } = readSafetensors(readFileSync(join(FOLDER, 'io.safetensors')));
const cases = JSON.parse(readFileSync(join(FOLDER, 'cases.json'), 'utf8')) as {
  prompts: string[];
  steps: number;
};
const SIZE = 8 * 8 * 4;

let model: StableDiffusion;
beforeAll(async () => {
  model = await loadStableDiffusion(nodeFolderReader(FOLDER));
});

test.each([
  ['guided', 5, true],
  ['plain', 1, true],
  ['encoded_empty', 5, false],
])("%s: the latents that diffusers' pipeline ends with", async (name, guidance, zeroEmptyPrompt) => {
  const shape = latentShape(model);
  const start = toFloat32Array(tensors.get('latents')!);
  const noise = (image: number) =>
    toChannelsLast(start.subarray(image * SIZE, (image + 1) * SIZE), shape);
  const schedule = createNoiseSchedule(parseSchedulerConfig(model.scheduler));
  const prompts = encodeTexts(model, cases.prompts, shape);
  const empty = encodeEmptyText({ ...model, zeroEmptyPrompt }, shape);
  const store = await sampleTrajectories(
    { unet: model.unet, schedule, guidance },
    {
      ...{ prompts, empty, promptOfImage: [0, 1], latentShape: shape, noise, batch: 2 },
      plan: planDenoiseSteps(schedule, { steps: cases.steps, eta: 0 }),
    },
  );
  disposeTexts(prompts, empty);
  const expected = toFloat32Array(tensors.get(`${name}.latents`)!);
  const largest = Math.max(...expected.map(Math.abs));
  for (const image of [0, 1]) {
    const actual = toChannelsFirst(store.latents(image).slice(-SIZE), shape);
    const known = expected.subarray(image * SIZE, (image + 1) * SIZE);
    const off = Math.max(...actual.map((value, i) => Math.abs(value - known[i]!)));
    // float32 noise of a pipeline's latents is 2.9e-6 of the largest, times guidance.
    expect(off / largest).toBeLessThan(2e-5);
  }
});

test('sizes in pixels', () => {
  expect(latentShape(model)).toEqual([8, 8, 4]);
  expect(latentShape(model, { height: 24, width: null })).toEqual([12, 8, 4]);
  expect(() => latentShape(model, { width: 17 })).toThrow(
    'The width of 17 pixels is no multiple of 2, which this model needs; the nearest are 16 and 18',
  );
});
