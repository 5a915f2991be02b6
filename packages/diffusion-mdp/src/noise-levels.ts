/** The noise levels that a sampler visits, and the timesteps that the network is told at them. */

import { trainingAlphasCumprod } from './noise-schedule';
import type { NoiseLevelConfig, SamplerConfig } from './sampler-config';
import {
  leadingTimesteps,
  linspaceDown,
  roundHalfToEven,
  trailingTimesteps,
} from './timestep-spacing';

export interface NoiseLevels {
  /** What the network is told at each step, `[steps]`, descending; Euler's need not be whole. */
  readonly timesteps: readonly number[];
  /** σ = √((1−ᾱ)/ᾱ) at each step and after the last, `[steps + 1]`, descending, float32. */
  readonly sigmas: readonly number[];
}

/**
 * @param steps 1 to `trainTimesteps`
 * @throws RangeError when `steps` is out of range, or so many that the levels do not fall
 */
export function planNoiseLevels(config: SamplerConfig, steps: number): NoiseLevels {
  const { trainTimesteps } = config;
  if (!Number.isInteger(steps) || steps < 1 || steps > trainTimesteps) {
    throw new RangeError(
      `Denoise steps must be a whole number from 1 to ${trainTimesteps}, got ${steps}.`,
    );
  }
  const training = trainingSigmas(config);
  const spaced = spacedTimesteps(config, steps);
  checkKnown(spaced, trainTimesteps);
  const sigmas = spaced.map((timestep) => interpolate(training, timestep));
  const levels = config.useKarrasSigmas
    ? karrasLevels(config, steps, training, sigmas)
    : { timesteps: spaced, sigmas };
  const last = config.finalSigmasType === 'zero' ? 0 : (training[0] ?? 0);
  const planned = { ...levels, sigmas: [...levels.sigmas, last].map(Math.fround) };
  checkFalling(planned);
  return planned;
}

/** σ of every training timestep, ascending, rounded to float32 after each operation as diffusers does. */
function trainingSigmas(config: NoiseLevelConfig): Float32Array {
  const alphasCumprod = trainingAlphasCumprod(config);
  // Nothing is left of the signal, which no σ can say; diffusers takes the smallest float16 for it.
  if (config.rescaleBetasZeroSnr) alphasCumprod[alphasCumprod.length - 1] = 2 ** -24;
  return alphasCumprod.map((alpha) => Math.sqrt(Math.fround(Math.fround(1 - alpha) / alpha)));
}

/** Euler's may lie between training timesteps and end at 0; DPM-Solver's are whole and leave out what they would end at. */
function spacedTimesteps(config: SamplerConfig, steps: number): number[] {
  const { sampler, trainTimesteps, stepsOffset } = config;
  const euler = sampler === 'euler';
  const points = euler ? steps : steps + 1;
  switch (config.timestepSpacing) {
    case 'leading':
      return leadingTimesteps(Math.floor(trainTimesteps / points), points, stepsOffset).slice(
        0,
        steps,
      );
    case 'trailing':
      return trailingTimesteps(trainTimesteps, steps);
    case 'linspace':
      return linspaceDown(trainTimesteps - 1, points)
        .map(euler ? Math.fround : roundHalfToEven)
        .slice(0, steps);
  }
}

/**
 * σ_i = (σ_max^⅐ + i/(n−1) · (σ_min^⅐ − σ_max^⅐))⁷ (Karras et al. 2022, arXiv 2206.00364, eq. 5), and the timesteps at which
 * training had them. Without given ends, Euler spans the levels of its timesteps and DPM-Solver all of training's.
 */
function karrasLevels(
  config: SamplerConfig,
  steps: number,
  training: Float32Array,
  sigmas: readonly number[],
): NoiseLevels {
  const euler = config.sampler === 'euler';
  const highest = config.sigmaMax ?? (euler ? sigmas[0] : training.at(-1)) ?? 0;
  const lowest = config.sigmaMin ?? (euler ? sigmas.at(-1) : training[0]) ?? 0;
  const [from, to] = [highest ** (1 / 7), lowest ** (1 / 7)];
  const levels = linspaceDown(1, steps)
    .reverse()
    .map((ramp) => (from + ramp * (to - from)) ** 7);
  const logs = training.map(Math.log);
  const timesteps = levels.map((sigma) => timestepAt(logs, sigma));
  if (euler) return { timesteps: timesteps.map(Math.fround), sigmas: levels };
  const whole = config.betaSchedule === 'squaredcos_cap_v2' ? Math.trunc : roundHalfToEven;
  return { timesteps: timesteps.map(whole), sigmas: levels };
}

/** Where ln σ lies between training's, as a timestep that need not be whole. */
function timestepAt(logs: Float32Array, sigma: number): number {
  const log = Math.log(Math.max(sigma, 1e-10));
  const below = Math.min(
    Math.max(
      logs.findLastIndex((one) => one <= log),
      0,
    ),
    logs.length - 2,
  );
  const [low = 0, high = 0] = logs.subarray(below, below + 2);
  const weight = Math.min(Math.max((low - log) / Math.fround(low - high), 0), 1);
  return (1 - weight) * below + weight * (below + 1);
}

/** Linear between whole timesteps. */
function interpolate(values: Float32Array, timestep: number): number {
  const below = Math.floor(timestep);
  const low = values[below] ?? NaN;
  return timestep === below ? low : ((values[below + 1] ?? NaN) - low) * (timestep - below) + low;
}

function checkKnown(timesteps: readonly number[], trainTimesteps: number): void {
  const [first = 0] = timesteps;
  if (first < trainTimesteps) return;
  throw new RangeError(
    `${timesteps.length} steps start at timestep ${first}, but the network knows 0 to ${trainTimesteps - 1}. Take fewer ` +
      'steps.',
  );
}

function checkFalling({ timesteps, sigmas }: NoiseLevels): void {
  const steps = timesteps.length;
  sigmas.slice(1).forEach((next, index) => {
    const sigma = sigmas[index] ?? NaN;
    // The last may stay where it is: timestep 0, and a final σ of timestep 0.
    if (sigma > 0 && (next < sigma || (next === sigma && index === steps - 1))) return;
    throw new RangeError(
      `The noise must fall at every step, but with ${steps} steps it goes from sigma ${sigma} to ${next} at timestep ` +
        `${timesteps[index] ?? NaN}. Take fewer steps.`,
    );
  });
}
