/** Samplers of the probability-flow ODE: deterministic, with no log-probabilities, for drawing in few steps. */

import { dpmSolverWeights } from './dpm-solver';
import { eulerWeights } from './euler';
import { planNoiseLevels } from './noise-levels';
import type { SamplerConfig } from './sampler-config';
import type { SamplerWeights } from './sampler-weights';

/** One step from noise level σ to the next. */
export interface SamplerStep {
  /** Place in the plan, 0 for the noisiest. */
  readonly index: number;
  /** t, what the network is told; not always whole. */
  readonly timestep: number;
  /** σ = √((1−ᾱ)/ᾱ) before the step */
  readonly sigma: number;
  /** and after it. */
  readonly nextSigma: number;
  /** The step's arithmetic, which is linear. */
  readonly weights: SamplerWeights;
}

export interface Sampler {
  readonly config: SamplerConfig;
  /** The first sample is standard normal noise times this. */
  readonly initialNoiseSigma: number;
  readonly steps: readonly SamplerStep[];
}

/**
 * Plans the steps of a sampler, as diffusers' `set_timesteps` does.
 *
 * @param steps 1 to `trainTimesteps`
 * @throws RangeError when `steps` is out of range, or so many that the noise does not fall at each
 */
export function createSampler(config: SamplerConfig, steps: number): Sampler {
  const { timesteps, sigmas } = planNoiseLevels(config, steps);
  const weights =
    config.sampler === 'euler' ? eulerWeights(config, sigmas) : dpmSolverWeights(config, sigmas);
  return {
    config,
    initialNoiseSigma: initialNoiseSigma(config, sigmas[0] ?? NaN),
    steps: weights.map((stepWeights, index) => ({
      index,
      timestep: timesteps[index] ?? NaN,
      sigma: sigmas[index] ?? NaN,
      nextSigma: sigmas[index + 1] ?? NaN,
      weights: stepWeights,
    })),
  };
}

/** DPM-Solver's samples have the variance of training's, Euler's that of x0 + σε; its noise counts x0's with `leading` only. */
function initialNoiseSigma({ sampler, timestepSpacing }: SamplerConfig, highest: number): number {
  if (sampler === 'dpm-solver++') return 1;
  return timestepSpacing === 'leading' ? Math.hypot(highest, 1) : highest;
}
