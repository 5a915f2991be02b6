/** How a checkpoint's `scheduler/scheduler_config.json` describes the samplers that draw without a policy. */

import { optionsInPipeline, type PipelineName } from './pipeline';
import {
  flag,
  numberIn,
  oneOf,
  readSchedulerOptions,
  refuseSwitch,
  refuseUnless,
  wholeNumber,
  type SchedulerOptions,
} from './scheduler-options';
import { TIMESTEP_SPACINGS, type TimestepSpacing } from './timestep-spacing';
import { readTrainingNoise, type TrainingNoise } from './training-noise';

/** `euler` is diffusers' `EulerDiscreteScheduler`, `dpm-solver++` its `DPMSolverMultistepScheduler`. */
export type SamplerName = SamplerConfig['sampler'];

export type SamplerConfig = EulerConfig | DpmSolverConfig;

/** Which noise levels σ = √((1−ᾱ)/ᾱ) a sampler visits. */
export interface NoiseLevelConfig extends TrainingNoise {
  readonly timestepSpacing: TimestepSpacing;
  /** Added to every timestep of `leading` spacing. */
  readonly stepsOffset: number;
  /** Space the levels by σ^(1/7) (Karras et al. 2022, eq. 5) rather than by timesteps. */
  readonly useKarrasSigmas: boolean;
  /** Ends of Karras' levels; null: those of the timesteps. */
  readonly sigmaMin: number | null;
  readonly sigmaMax: number | null;
  /** What the last step arrives at: no noise, or that of timestep 0. */
  readonly finalSigmasType: 'zero' | 'sigma_min';
}

export interface EulerConfig extends NoiseLevelConfig {
  readonly sampler: 'euler';
}

export interface DpmSolverConfig extends NoiseLevelConfig {
  readonly sampler: 'dpm-solver++';
  readonly solverOrder: 1 | 2;
  /** Which second-order step. */
  readonly solverType: 'midpoint' | 'heun';
  /** Take the last step at first order when there are fewer than 15. */
  readonly lowerOrderFinal: boolean;
  /** Take the last step at first order, however many there are. It is where it arrives at no noise. */
  readonly eulerAtFinal: boolean;
}

/**
 * Reads a diffusers scheduler configuration as `from_config` of the sampler's class does: options left out take that class's
 * defaults, whatever the class in the file, and options that only other samplers have say nothing.
 *
 * @param json the parsed content of `scheduler_config.json`
 * @param pipeline in whose folder the file lies; with it `steps_offset` means what it means there
 * @throws Error naming the option when it is unknown, unsupported or of the wrong kind
 */
export function parseSamplerConfig(
  json: unknown,
  sampler: SamplerName,
  pipeline?: PipelineName,
): SamplerConfig {
  const options = optionsInPipeline(readSchedulerOptions(json), pipeline);
  const levels = readNoiseLevels(options);
  switch (sampler) {
    case 'euler':
      refuseUnless(options, 'interpolation_type', ['linear']);
      return { sampler, ...levels };
    case 'dpm-solver++':
      // `DPMSolverMultistepScheduler` takes what DEIS and UniPC call their solvers for its own first choices.
      refuseUnless(options, 'algorithm_type', ['dpmsolver++', 'deis']);
      refuseUnless(options, 'lambda_min_clipped', [-Infinity, null]);
      refuseSwitch(options, 'use_lu_lambdas');
      return {
        sampler,
        ...levels,
        solverOrder: oneOf(options, 'solver_order', 2, [1, 2]),
        solverType: OTHER_SOLVERS.includes(options.get('solver_type'))
          ? 'midpoint'
          : oneOf(options, 'solver_type', 'midpoint', ['midpoint', 'heun']),
        lowerOrderFinal: flag(options, 'lower_order_final', true),
        eulerAtFinal: flag(options, 'euler_at_final', false),
      };
  }
}

/** Of UniPC and DEIS. */
const OTHER_SOLVERS: readonly unknown[] = ['bh1', 'bh2', 'logrho'];

function readNoiseLevels(options: SchedulerOptions): NoiseLevelConfig {
  refuseSwitch(options, 'use_exponential_sigmas');
  refuseSwitch(options, 'use_beta_sigmas');
  return {
    ...readTrainingNoise(options),
    timestepSpacing: oneOf(options, 'timestep_spacing', 'linspace', TIMESTEP_SPACINGS),
    stepsOffset: wholeNumber(options, 'steps_offset', 0, 0),
    useKarrasSigmas: flag(options, 'use_karras_sigmas', false),
    sigmaMin: numberIn(options, 'sigma_min', null, 0, Infinity),
    sigmaMax: numberIn(options, 'sigma_max', null, 0, Infinity),
    finalSigmasType: oneOf(options, 'final_sigmas_type', 'zero', ['zero', 'sigma_min']),
  };
}
