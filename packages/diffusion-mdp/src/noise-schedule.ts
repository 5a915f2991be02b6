/** ᾱ_t, the fraction of signal left at each training timestep; float32 in PyTorch's order of operations. */

import type { SchedulerConfig } from './scheduler-config';
import type { TrainingNoise } from './training-noise';

export interface NoiseSchedule {
  readonly config: SchedulerConfig;
  /** ᾱ_t = Π_{s≤t} (1 − β_s), `[trainTimesteps]`, the very float32 numbers that diffusers holds. */
  readonly alphasCumprod: Float32Array;
  /** ᾱ that the last step arrives at. */
  readonly finalAlphaCumprod: number;
}

/** Computes the noise schedule of a scheduler configuration. */
export function createNoiseSchedule(config: SchedulerConfig): NoiseSchedule {
  const alphasCumprod = trainingAlphasCumprod(config);
  return {
    config,
    alphasCumprod,
    finalAlphaCumprod: config.setAlphaToOne ? 1 : valueAt(alphasCumprod, 0),
  };
}

/** ᾱ_t, `[trainTimesteps]`. */
export function trainingAlphasCumprod(noise: TrainingNoise): Float32Array {
  const betas = trainingBetas(noise);
  return cumulativeProduct(noise.rescaleBetasZeroSnr ? rescaleToZeroTerminalSnr(betas) : betas);
}

function trainingBetas(config: TrainingNoise): Float32Array {
  const { trainTimesteps, betaStart, betaEnd } = config;
  if (config.trainedBetas !== null) return Float32Array.from(config.trainedBetas);
  switch (config.betaSchedule) {
    case 'linear':
      return linspace(betaStart, betaEnd, trainTimesteps);
    case 'scaled_linear':
      return linspace(Math.sqrt(betaStart), Math.sqrt(betaEnd), trainTimesteps).map(
        (root) => root * root,
      );
    case 'squaredcos_cap_v2': {
      // Improved DDPM (arXiv 2102.09672, eq. 17), β capped at 0.999.
      const signal = (time: number) => Math.cos((((time + 0.008) / 1.008) * Math.PI) / 2) ** 2;
      return Float32Array.from({ length: trainTimesteps }, (_, timestep) =>
        Math.min(
          1 - signal((timestep + 1) / trainTimesteps) / signal(timestep / trainTimesteps),
          0.999,
        ),
      );
    }
  }
}

/** torch.linspace in float32: counted from both ends, so that both are exact. */
function linspace(start: number, end: number, count: number): Float32Array {
  const first = Math.fround(start);
  const last = Math.fround(end);
  const step = count > 1 ? Math.fround(Math.fround(last - first) / (count - 1)) : 0;
  return Float32Array.from({ length: count }, (_, index) =>
    index < count / 2
      ? Math.fround(first + step * index)
      : Math.fround(last - step * (count - 1 - index)),
  );
}

/** "Common Diffusion Noise Schedules and Sample Steps Are Flawed" (arXiv 2305.08891), Algorithm 1. */
function rescaleToZeroTerminalSnr(betas: Float32Array): Float32Array {
  const roots = cumulativeProduct(betas).map((alpha) => Math.sqrt(alpha));
  const first = valueAt(roots, 0);
  const last = valueAt(roots, roots.length - 1);
  const scale = Math.fround(first / Math.fround(first - last));
  const alphasCumprod = roots
    .map((root) => root - last)
    .map((root) => root * scale)
    .map((root) => root * root);
  return alphasCumprod.map((alpha, timestep) => {
    const ratio = timestep === 0 ? alpha : alpha / valueAt(alphasCumprod, timestep - 1);
    return 1 - Math.fround(ratio);
  });
}

/** torch.cumprod of 1 − β: the running product is kept in float64, each result rounded to float32. */
function cumulativeProduct(betas: Float32Array): Float32Array {
  let product = 1;
  return betas.map((beta) => {
    product *= Math.fround(1 - beta);
    return product;
  });
}

function valueAt(values: Float32Array, index: number): number {
  const value = values[index];
  if (value === undefined) {
    throw new RangeError(
      `Timestep ${index} lies outside the noise schedule, expected 0 to ${values.length - 1}.`,
    );
  }
  return value;
}

/** ᾱ at a timestep; below 0 the schedule's final one. */
export function alphaCumprodAt(schedule: NoiseSchedule, timestep: number): number {
  return timestep < 0 ? schedule.finalAlphaCumprod : valueAt(schedule.alphasCumprod, timestep);
}
