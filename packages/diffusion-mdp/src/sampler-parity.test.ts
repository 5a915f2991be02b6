/** Every number of fixtures/samplers, recorded from diffusers' schedulers by tools/parity/schedulers.py. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { openRecordedTensors } from '../testing/recorded-tensors';
import { planDenoiseSteps } from './denoise-plan';
import { createNoiseSchedule } from './noise-schedule';
import { takePolicyStep } from './policy-step';
import { createSampler } from './sampler';
import { parseSamplerConfig, type SamplerName } from './sampler-config';
import { samplerStepTensor, scaleModelInput, takeSamplerStep } from './sampler-step';
import { parseSchedulerConfig } from './scheduler-config';

interface Case {
  readonly case: string;
  readonly sampler: SamplerName | 'ddim';
  readonly steps: number;
  readonly config: unknown;
}

const folder = join(__dirname, '../fixtures/samplers');
const cases = JSON.parse(readFileSync(join(folder, 'cases.json'), 'utf8')) as Case[];
const { recorded, seen, values, latents } = openRecordedTensors(join(folder, 'io.safetensors'));

/** The network of the recording: x / (1 + |x|) + w t / 1000. */
const network = (input: tf.Tensor4D, timestep: number): tf.Tensor4D =>
  tf.add(
    tf.div(input, tf.add(1, tf.abs(input))),
    tf.mul(latents('drift'), Math.fround(timestep / 1000)),
  );

interface Trajectory {
  readonly timesteps: number[];
  readonly sigmas?: number[];
  readonly initialNoiseSigma: number;
  readonly inputs: tf.Tensor4D[];
  readonly samples: tf.Tensor4D[];
}

function trajectoryOf({ sampler, steps, config }: Case): Trajectory {
  if (sampler === 'ddim') return ddimTrajectory(config, steps);
  const plan = createSampler(parseSamplerConfig(config, sampler), steps);
  let sample: tf.Tensor4D = tf.mul(latents('noise'), plan.initialNoiseSigma);
  let previousOriginal: tf.Tensor4D = tf.zerosLike(sample);
  const [inputs, samples] = [[] as tf.Tensor4D[], [sample]];
  for (const step of plan.steps) {
    const numbers = samplerStepTensor(step);
    const input = scaleModelInput(numbers, sample);
    const output = network(input, step.timestep);
    const taken = takeSamplerStep(numbers, sample, output, previousOriginal);
    sample = taken.sample;
    previousOriginal = taken.original;
    inputs.push(input);
    samples.push(sample);
  }
  return {
    timesteps: plan.steps.map(({ timestep }) => timestep),
    sigmas: [...plan.steps.map(({ sigma }) => sigma), plan.steps.at(-1)!.nextSigma],
    initialNoiseSigma: plan.initialNoiseSigma,
    inputs,
    samples,
  };
}

function ddimTrajectory(config: unknown, steps: number): Trajectory {
  const schedule = createNoiseSchedule(parseSchedulerConfig(config));
  const plan = planDenoiseSteps(schedule, { steps, eta: 0 });
  const samples = [latents('noise')];
  for (const step of plan) {
    const sample = samples.at(-1)!;
    const output = network(sample, step.timestep);
    samples.push(takePolicyStep(schedule, step, sample, output, sample).previousSample);
  }
  return {
    timesteps: plan.map(({ timestep }) => timestep),
    initialNoiseSigma: 1,
    inputs: samples.slice(0, -1),
    samples,
  };
}

/** Largest |a − b| of each point of a trajectory, as a fraction of the largest |b| there. */
function relativeErrors(actual: tf.Tensor4D[], expected: tf.Tensor4D): number[] {
  return tf.tidy(() => {
    const error = tf.max(tf.abs(tf.sub(tf.concat(actual), expected)), [1, 2, 3]);
    return Array.from(tf.div(error, tf.max(tf.abs(expected), [1, 2, 3])).dataSync());
  });
}

/** A float32 rounding of a timestep up to 999: between training's levels it comes of logarithms. */
const TIMESTEP_NOISE = 2 ** -14;

/** A float32 rounding is 6e-8; levels come of one power, quotient or root each. Measured 6.9e-8. */
const SIGMA_NOISE = 1e-7;

/**
 * Measured 6.8e-7 of the largest value, over 25 steps: diffusers takes e^−h and ln σ of steps in float32, which here are float64.
 */
const FLOAT32_NOISE = 1e-6;

/**
 * Without terminal signal Euler's first step goes from σ = 4096 to 18, as x + (σ' − σ)(x − x̂0)/σ in diffusers: what is left has
 * 4096/18 times the rounding of x. Measured 1.6e-5.
 */
const ZERO_SNR_NOISE = 4e-5;

test.each(cases)('$case', (one) => {
  tf.tidy(() => {
    const { timesteps, sigmas, initialNoiseSigma, inputs, samples } = trajectoryOf(one);
    const expected = (name: string) => Array.from(values(`${one.case}.${name}`));
    expectClose(timesteps, expected('timesteps'), () => TIMESTEP_NOISE);
    if (sigmas) expectClose(sigmas, expected('sigmas'), (sigma) => SIGMA_NOISE * sigma);
    expectClose([initialNoiseSigma], expected('initial_noise_sigma'), (s) => SIGMA_NOISE * s);
    const noise = one.case === 'sd21-zero-snr euler' ? ZERO_SNR_NOISE : FLOAT32_NOISE;
    for (const error of [
      ...relativeErrors(inputs, latents(`${one.case}.inputs`)),
      ...relativeErrors(samples, latents(`${one.case}.samples`)),
    ]) {
      expect(error).toBeLessThan(noise);
    }
  });
});

function expectClose(actual: number[], expected: number[], noise: (value: number) => number) {
  expect(actual).toHaveLength(expected.length);
  expected.forEach((value, index) => {
    expect(Math.abs(actual[index]! - value)).toBeLessThanOrEqual(noise(value));
  });
}

test('every recorded tensor was compared', () => {
  expect([...recorded.keys()].filter((name) => !seen.has(name))).toEqual([]);
});
