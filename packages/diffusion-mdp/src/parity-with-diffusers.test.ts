/** Every number of fixtures/ddim, recorded from diffusers' DDIMScheduler and TRL's scheduler_step. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { planDenoiseSteps } from './denoise-plan';
import type { DenoiseStep } from './denoise-plan';
import { addNoise, velocity } from './forward-process';
import { createNoiseSchedule } from './noise-schedule';
import type { NoiseSchedule } from './noise-schedule';
import { gaussianLogProb, policyMean, predictOriginalSample, takePolicyStep } from './policy-step';
import { parseSchedulerConfig } from './scheduler-config';
import { openRecordedTensors } from '../testing/recorded-tensors';

interface StepCase {
  id: string;
  config: Record<string, unknown>;
  num_inference_steps: number;
  t: number;
  eta: number;
}

interface Cases {
  timesteps: {
    num_inference_steps: number;
    timestep_spacing: string;
    steps_offset: number;
    timesteps: number[];
  }[];
  schedules: Record<string, Record<string, unknown>>;
  steps: StepCase[];
  trl_batched: {
    timesteps: number[];
    eta: number;
    num_inference_steps: number;
    config: Record<string, unknown>;
  };
  add_noise_timesteps: number[];
}

const folder = join(__dirname, '../fixtures/ddim');
const cases = JSON.parse(readFileSync(join(folder, 'cases.json'), 'utf8')) as Cases;
const { recorded, seen, values, latents } = openRecordedTensors(join(folder, 'io.safetensors'));

/** Largest |a − b|, as a fraction of the largest |b|. */
function relativeError(actual: tf.Tensor, expected: tf.Tensor): number {
  return tf.tidy(() => {
    const [error, size] = [tf.max(tf.abs(tf.sub(actual, expected))), tf.max(tf.abs(expected))];
    return error.dataSync()[0]! / size.dataSync()[0]!;
  });
}

function planned({ config, num_inference_steps: steps, t, eta }: StepCase): {
  schedule: NoiseSchedule;
  step: DenoiseStep;
} {
  const schedule = createNoiseSchedule(parseSchedulerConfig(config));
  const step = planDenoiseSteps(schedule, { steps, eta }).find(({ timestep }) => timestep === t);
  return { schedule, step: step! };
}

/** Measured 2.1e-7 of the largest value; a float32 rounding is 6e-8 and a step has a handful. */
const FLOAT32_NOISE = 5e-7;

/**
 * At t = 1 a recorded sample lies tens of σ from the mean, so that a rounding of the mean moves the log-probability by 6e-6;
 * everywhere else 1e-6 is seen.
 */
const LOG_PROB_NOISE = 1e-5;

describe.each(['best', 'cpu'])('on the %s backend', (backend) => {
  let usual = '';
  beforeAll(async () => {
    usual = tf.getBackend();
    if (backend === 'cpu') await tf.setBackend('cpu');
  });
  afterAll(() => tf.setBackend(usual));

  test.each(cases.steps)('step $id: t $t of $num_inference_steps, eta $eta', (recordedCase) => {
    const { id } = recordedCase;
    const { schedule, step } = planned(recordedCase);
    const sample = latents('sample');
    const modelOutput = latents('model_output');
    const expected = latents(`${id}.prev_sample`);
    const original = predictOriginalSample(schedule, step, sample, modelOutput);
    expect(relativeError(original, latents(`${id}.pred_original_sample`))).toBeLessThan(
      FLOAT32_NOISE,
    );
    const noise = latents('variance_noise');
    const taken = takePolicyStep(schedule, step, sample, modelOutput, noise);
    expect(relativeError(taken.previousSample, expected)).toBeLessThan(FLOAT32_NOISE);
    expect(taken.logProb === undefined).toBe(step.sigma === 0);

    if (!recorded.has(`${id}.trl_log_prob`)) return;
    // TRL clamps the previous timestep to 0, which is what setAlphaToOne: false means.
    const clamped = planned({
      ...recordedCase,
      config: { ...recordedCase.config, set_alpha_to_one: false },
    });
    const mean = policyMean(clamped.schedule, clamped.step, sample, modelOutput);
    const logProb = gaussianLogProb(expected, mean, clamped.step.sigma).dataSync();
    values(`${id}.trl_log_prob`).forEach((recordedLogProb, row) => {
      expect(Math.abs(logProb[row]! - recordedLogProb)).toBeLessThan(LOG_PROB_NOISE);
    });
  });

  test('a timestep per row', () => {
    const { config, num_inference_steps: steps, eta, timesteps } = cases.trl_batched;
    const schedule = createNoiseSchedule(parseSchedulerConfig(config));
    const plan = planDenoiseSteps(schedule, { steps, eta });
    const rows = timesteps.map((t) => plan.find(({ timestep }) => timestep === t)!);
    const mean = policyMean(schedule, rows, latents('sample'), latents('model_output'));
    const sigmas = rows.map(({ sigma }) => sigma);
    const logProb = gaussianLogProb(latents('trl_batched.prev_sample_in'), mean, sigmas).dataSync();
    values('trl_batched.log_prob').forEach((expected, row) => {
      // Thousands in size at t = 1, so relative.
      expect(Math.abs(logProb[row]! / expected - 1)).toBeLessThan(1e-5);
    });
  });

  test('noise added, and the velocity', () => {
    const schedule = createNoiseSchedule(parseSchedulerConfig(cases.schedules['scaled_linear']));
    const [original, noise] = [latents('sample'), latents('variance_noise')];
    const noised = addNoise(schedule, original, noise, cases.add_noise_timesteps);
    expect(relativeError(noised, latents('add_noise'))).toBeLessThan(FLOAT32_NOISE);
    const target = velocity(schedule, original, noise, cases.add_noise_timesteps);
    expect(relativeError(target, latents('get_velocity'))).toBeLessThan(FLOAT32_NOISE);
  });
});

test.each(cases.timesteps)(
  '$num_inference_steps timesteps, $timestep_spacing, offset $steps_offset',
  ({ num_inference_steps: steps, timestep_spacing, steps_offset, timesteps }) => {
    const schedule = createNoiseSchedule(
      parseSchedulerConfig({ ...cases.schedules['scaled_linear'], timestep_spacing, steps_offset }),
    );
    const plan = planDenoiseSteps(schedule, { steps, eta: 1 });
    expect(plan.map(({ timestep }) => timestep)).toEqual(timesteps);
  },
);

test.each(Object.entries(cases.schedules))('the schedule %s', (name, config) => {
  const expected = values(`alphas_cumprod.${name}`);
  const { alphasCumprod } = createNoiseSchedule(parseSchedulerConfig(config));
  if (name === 'zero_snr') {
    // Two roundings apart at most; the end is exactly 0 in both.
    const errors = alphasCumprod.map(
      (alpha, t) => Math.abs(alpha - expected[t]!) - 2e-7 * expected[t]!,
    );
    expect(Math.max(...errors)).toBeLessThanOrEqual(0);
  } else {
    expect(Array.from(alphasCumprod)).toEqual(Array.from(expected));
  }
});

test('every recorded tensor was compared', () => {
  expect([...recorded.keys()].filter((name) => !seen.has(name))).toEqual([]);
});
