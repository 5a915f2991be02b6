/** How a checkpoint's `scheduler/scheduler_config.json` describes its noise: parsed with diffusers' names and defaults. */

export type BetaSchedule = 'linear' | 'scaled_linear' | 'squaredcos_cap_v2';

/** What the network predicts: the noise ε, the velocity v = √ᾱ ε − √(1−ᾱ) x̂0, or the clean sample x̂0. */
export type PredictionType = 'epsilon' | 'v_prediction' | 'sample';

export type TimestepSpacing = 'leading' | 'trailing' | 'linspace';

/** The options of diffusers' `DDIMScheduler`, in camelCase. */
export interface SchedulerConfig {
  /** Timesteps the network was trained on, ≥ 1. */
  readonly trainTimesteps: number;
  readonly betaStart: number;
  readonly betaEnd: number;
  readonly betaSchedule: BetaSchedule;
  /** Betas given outright, `[trainTimesteps]`; they take the place of the three options above. */
  readonly trainedBetas: readonly number[] | null;
  readonly predictionType: PredictionType;
  readonly timestepSpacing: TimestepSpacing;
  /** Added to every timestep of `leading` spacing. */
  readonly stepsOffset: number;
  /**
   * ᾱ after the last step: 1 when true, ᾱ of timestep 0 when false. TRL's DDPO clamps the previous timestep to 0 and so
   * always behaves as `false`.
   */
  readonly setAlphaToOne: boolean;
  /** Clamp x̂0 to ±`clipSampleRange` before each step. */
  readonly clipSample: boolean;
  readonly clipSampleRange: number;
  /**
   * After clamping x̂0, take ε from the clamped x̂0 rather than from the network. diffusers passes this to each step
   * (`use_clipped_model_output`) instead of keeping it in the file; false there and here unless asked for.
   */
  readonly useClippedModelOutput: boolean;
  /** Rescale so that the last training timestep has no signal left (arXiv 2305.08891, Algorithm 1). */
  readonly rescaleBetasZeroSnr: boolean;
}

/** What `DDIMScheduler` takes for options that a file leaves out. */
const DEFAULTS: SchedulerConfig = {
  trainTimesteps: 1000,
  betaStart: 0.0001,
  betaEnd: 0.02,
  betaSchedule: 'linear',
  trainedBetas: null,
  predictionType: 'epsilon',
  timestepSpacing: 'leading',
  stepsOffset: 0,
  setAlphaToOne: true,
  clipSample: true,
  clipSampleRange: 1,
  useClippedModelOutput: false,
  rescaleBetasZeroSnr: false,
};

const ACCEPTED_CLASSES = ['DDIMScheduler', 'DDPMScheduler', 'PNDMScheduler'];

/**
 * Options that say nothing about a DDIM step: how PNDM and DDPM take theirs, and the details of thresholding, which is
 * itself refused when switched on.
 */
const WITHOUT_EFFECT = new Set([
  'skip_prk_steps',
  'variance_type',
  'dynamic_thresholding_ratio',
  'sample_max_value',
]);

/**
 * Reads a diffusers scheduler configuration as `DDIMScheduler.from_config` does: options left out take DDIM's defaults,
 * whatever the class in the file.
 *
 * @param json the parsed content of `scheduler_config.json`
 * @throws Error naming the option when it is unknown, unsupported or of the wrong kind
 */
export function parseSchedulerConfig(json: unknown): SchedulerConfig {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw new Error(
      'Scheduler configuration: expected a JSON object with options such as num_train_timesteps.',
    );
  }
  const options = new Map<string, unknown>(Object.entries(json));
  const className = options.get('_class_name');
  if (className !== undefined && !ACCEPTED_CLASSES.some((accepted) => accepted === className)) {
    throw new Error(
      `Scheduler configuration: _class_name ${JSON.stringify(className)} is not supported, expected one of ` +
        `${ACCEPTED_CLASSES.join(', ')}. Save the model with DDIMScheduler.from_config(pipeline.scheduler.config).`,
    );
  }
  const config: SchedulerConfig = {
    trainTimesteps: wholeNumber(options, 'num_train_timesteps', DEFAULTS.trainTimesteps, 1),
    betaStart: numberIn(options, 'beta_start', DEFAULTS.betaStart, 0, 1),
    betaEnd: numberIn(options, 'beta_end', DEFAULTS.betaEnd, 0, 1),
    betaSchedule: oneOf(options, 'beta_schedule', DEFAULTS.betaSchedule, [
      'linear',
      'scaled_linear',
      'squaredcos_cap_v2',
    ]),
    trainedBetas: betasFrom(options),
    predictionType: oneOf(options, 'prediction_type', DEFAULTS.predictionType, [
      'epsilon',
      'v_prediction',
      'sample',
    ]),
    timestepSpacing: oneOf(options, 'timestep_spacing', DEFAULTS.timestepSpacing, [
      'leading',
      'trailing',
      'linspace',
    ]),
    stepsOffset: wholeNumber(options, 'steps_offset', DEFAULTS.stepsOffset, 0),
    setAlphaToOne: flag(options, 'set_alpha_to_one', DEFAULTS.setAlphaToOne),
    clipSample: flag(options, 'clip_sample', DEFAULTS.clipSample),
    clipSampleRange: numberIn(options, 'clip_sample_range', DEFAULTS.clipSampleRange, 0, Infinity),
    useClippedModelOutput: DEFAULTS.useClippedModelOutput,
    rescaleBetasZeroSnr: flag(options, 'rescale_betas_zero_snr', DEFAULTS.rescaleBetasZeroSnr),
  };
  if (flag(options, 'thresholding', false)) {
    throw new Error('Scheduler configuration: thresholding is not supported, expected false.');
  }
  for (const name of options.keys()) {
    if (!READ.has(name) && !WITHOUT_EFFECT.has(name) && !name.startsWith('_')) {
      throw new Error(
        `Scheduler configuration: unknown option "${name}". Remove it if it does not change a DDIM step.`,
      );
    }
  }
  if (config.trainedBetas !== null && config.trainedBetas.length !== config.trainTimesteps) {
    throw new Error(
      `Scheduler configuration: trained_betas holds ${config.trainedBetas.length} values, expected ` +
        `num_train_timesteps = ${config.trainTimesteps}.`,
    );
  }
  return config;
}

const READ = new Set([
  'num_train_timesteps',
  'beta_start',
  'beta_end',
  'beta_schedule',
  'trained_betas',
  'prediction_type',
  'timestep_spacing',
  'steps_offset',
  'set_alpha_to_one',
  'clip_sample',
  'clip_sample_range',
  'rescale_betas_zero_snr',
  'thresholding',
]);

function fail(name: string, value: unknown, expected: string): never {
  throw new Error(
    `Scheduler configuration: ${name} is ${JSON.stringify(value)}, expected ${expected}.`,
  );
}

function numberIn(
  options: ReadonlyMap<string, unknown>,
  name: string,
  fallback: number,
  low: number,
  high: number,
): number {
  const value = options.get(name);
  if (value === undefined) return fallback;
  if (typeof value !== 'number' || !(value >= low && value <= high)) {
    fail(name, value, `a number from ${low} to ${high}`);
  }
  return value;
}

function wholeNumber(
  options: ReadonlyMap<string, unknown>,
  name: string,
  fallback: number,
  low: number,
): number {
  const value = options.get(name);
  if (value === undefined) return fallback;
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < low) {
    fail(name, value, `a whole number of at least ${low}`);
  }
  return value;
}

function flag(options: ReadonlyMap<string, unknown>, name: string, fallback: boolean): boolean {
  const value = options.get(name);
  if (value === undefined) return fallback;
  if (typeof value !== 'boolean') fail(name, value, 'true or false');
  return value;
}

function oneOf<Choice extends string>(
  options: ReadonlyMap<string, unknown>,
  name: string,
  fallback: Choice,
  choices: readonly Choice[],
): Choice {
  const value = options.get(name);
  if (value === undefined) return fallback;
  return choices.find((choice) => choice === value) ?? fail(name, value, choices.join(', '));
}

function betasFrom(options: ReadonlyMap<string, unknown>): readonly number[] | null {
  const value = options.get('trained_betas');
  if (value === undefined || value === null) return null;
  if (!Array.isArray(value)) fail('trained_betas', value, 'null or a list of numbers');
  return value.map((beta: unknown) =>
    typeof beta === 'number' && beta >= 0 && beta <= 1
      ? beta
      : fail('trained_betas', beta, 'numbers from 0 to 1'),
  );
}
