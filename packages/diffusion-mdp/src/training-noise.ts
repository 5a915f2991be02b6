/** The noise that a network was trained on, which every scheduler class describes alike. */

import {
  fail,
  flag,
  numberIn,
  oneOf,
  wholeNumber,
  type SchedulerOptions,
} from './scheduler-options';

export type BetaSchedule = 'linear' | 'scaled_linear' | 'squaredcos_cap_v2';

/** What the network predicts: the noise ε, the velocity v = √ᾱ ε − √(1−ᾱ) x̂0, or the clean sample x̂0. */
export type PredictionType = 'epsilon' | 'v_prediction' | 'sample';

export interface TrainingNoise {
  /** Timesteps the network was trained on, ≥ 1. */
  readonly trainTimesteps: number;
  readonly betaStart: number;
  readonly betaEnd: number;
  readonly betaSchedule: BetaSchedule;
  /** Betas given outright, `[trainTimesteps]`; they take the place of the three options above. */
  readonly trainedBetas: readonly number[] | null;
  readonly predictionType: PredictionType;
  /** Rescale so that the last training timestep has no signal left (arXiv 2305.08891, Algorithm 1). */
  readonly rescaleBetasZeroSnr: boolean;
}

/**
 * Reads it with diffusers' defaults, the same in all classes.
 * @throws Error naming the option when it is of the wrong kind or out of range
 */
export function readTrainingNoise(options: SchedulerOptions): TrainingNoise {
  const noise: TrainingNoise = {
    trainTimesteps: wholeNumber(options, 'num_train_timesteps', 1000, 1),
    betaStart: numberIn(options, 'beta_start', 0.0001, 0, 1),
    betaEnd: numberIn(options, 'beta_end', 0.02, 0, 1),
    betaSchedule: oneOf(options, 'beta_schedule', 'linear', [
      'linear',
      'scaled_linear',
      'squaredcos_cap_v2',
    ]),
    trainedBetas: betasFrom(options),
    predictionType: oneOf(options, 'prediction_type', 'epsilon', [
      'epsilon',
      'v_prediction',
      'sample',
    ]),
    rescaleBetasZeroSnr: flag(options, 'rescale_betas_zero_snr', false),
  };
  if (noise.trainedBetas !== null && noise.trainedBetas.length !== noise.trainTimesteps) {
    throw new Error(
      `Scheduler configuration: trained_betas holds ${noise.trainedBetas.length} values, expected ` +
        `num_train_timesteps = ${noise.trainTimesteps}.`,
    );
  }
  return noise;
}

function betasFrom(options: SchedulerOptions): readonly number[] | null {
  const value = options.get('trained_betas');
  if (value === undefined || value === null) return null;
  if (!Array.isArray(value)) fail('trained_betas', value, 'null or a list of numbers');
  return value.map((beta: unknown) =>
    typeof beta === 'number' && beta >= 0 && beta <= 1
      ? beta
      : fail('trained_betas', beta, 'numbers from 0 to 1'),
  );
}
