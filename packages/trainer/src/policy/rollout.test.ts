import {
  createNoiseSchedule,
  parseSchedulerConfig,
  planDenoiseSteps,
} from '@loop-diffusion/diffusion-mdp';
import type { StableDiffusion } from '@loop-diffusion/diffusion-models';
import * as tf from '@tensorflow/tfjs-core';

import { loadPipeline } from '../testing/fixtures';
import { createCompute } from './compute';
import { evaluationNoise } from './draw-images';
import type { RunningDenoiser } from './policy';
import { sampleLatents, sampleTrajectories } from './rollout';
import { createTextSource } from './text-source';

const SHAPE = [8, 8, 4] as const;
const compute = createCompute();

let model: StableDiffusion;
beforeAll(async () => {
  model = await loadPipeline();
});
afterAll(() => {
  compute.dispose();
  model.dispose();
});

function requestFor(steps: number) {
  const schedule = createNoiseSchedule(parseSchedulerConfig(model.scheduler));
  const policy: RunningDenoiser = { unet: model.unet, schedule, guidance: 2, compute };
  const texts = createTextSource(model, SHAPE);
  return {
    policy,
    request: {
      ...{ prompts: texts.encode(['a red circle']), empty: texts.empty() },
      ...{ promptOfImage: [0, 0, 0], latentShape: SHAPE, batch: 2 },
      plan: planDenoiseSteps(schedule, { steps, eta: 1 }),
      noise: evaluationNoise(0, SHAPE),
    },
  };
}

test('the last latents are those of the trajectories, to the bit, and nothing else is held', async () => {
  const { policy, request } = requestFor(3);
  const trajectories = await sampleTrajectories(policy, request);
  const expected = trajectories.finalLatents([0, 1, 2]).arraySync();
  const latents: number[][][][] = [];
  const held: number[] = [];
  const before = tf.memory().numTensors;
  await sampleLatents(policy, {
    ...request,
    onBatch: async (last) => {
      latents.push(...(await last.array()));
      held.push(tf.memory().numTensors - before);
    },
  });
  expect(latents).toEqual(expected);
  expect(tf.memory().numTensors).toBe(before);
  const few = held.splice(0);
  const longer = requestFor(9);
  const start = tf.memory().numTensors;
  await sampleLatents(longer.policy, {
    ...longer.request,
    onBatch: () => {
      held.push(tf.memory().numTensors - start);
      return Promise.resolve();
    },
  });
  expect(held).toEqual(few);
});

test('latents that are not finite are no picture', async () => {
  const { policy, request } = requestFor(1);
  const drawn = sampleLatents(policy, {
    ...request,
    noise: () => new Float32Array(8 * 8 * 4).fill(Number.NaN),
    onBatch: () => Promise.resolve(),
  });
  await expect(drawn).rejects.toThrow('not finite');
});
