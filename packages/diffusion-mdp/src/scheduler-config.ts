/** How a checkpoint's `scheduler/scheduler_config.json` describes DDIM: parsed with diffusers' names and defaults. */

import { optionsInPipeline, type PipelineName } from './pipeline';
import { flag, numberIn, oneOf, readSchedulerOptions, wholeNumber } from './scheduler-options';
import { TIMESTEP_SPACINGS, type TimestepSpacing } from './timestep-spacing';
import { readTrainingNoise, type TrainingNoise } from './training-noise';

/** The options of diffusers' `DDIMScheduler`, in camelCase. */
export interface SchedulerConfig extends TrainingNoise {
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
   * Where a step arrives with `linspace` and `trailing` spacing. `stride`, the default: at t − ⌊trainTimesteps / steps⌋, as in
   * diffusers' `DDIMScheduler`, though another timestep comes next. `next`: at the timestep that comes next, as in its
   * `DDPMScheduler`, so that the network is told the noise that the sample has.
   */
  readonly previousTimestep?: 'stride' | 'next' | undefined;
}

/**
 * Reads a diffusers scheduler configuration as `DDIMScheduler.from_config` does: options left out take DDIM's defaults,
 * whatever the class in the file, and options that only other samplers have say nothing.
 *
 * @param json the parsed content of `scheduler_config.json`
 * @param pipeline in whose folder the file lies. With it the file means what it means there: see {@link optionsInPipeline}; and
 *   every step arrives at the timestep that comes next
 * @throws Error naming the option when it is unknown, unsupported or of the wrong kind
 */
export function parseSchedulerConfig(json: unknown, pipeline?: PipelineName): SchedulerConfig {
  const options = optionsInPipeline(readSchedulerOptions(json), pipeline);
  return {
    ...readTrainingNoise(options),
    timestepSpacing: oneOf(options, 'timestep_spacing', 'leading', TIMESTEP_SPACINGS),
    stepsOffset: wholeNumber(options, 'steps_offset', 0, 0),
    setAlphaToOne: flag(options, 'set_alpha_to_one', true),
    clipSample: flag(options, 'clip_sample', true),
    clipSampleRange: numberIn(options, 'clip_sample_range', 1, 0, Infinity),
    ...(pipeline !== undefined && { previousTimestep: 'next' }),
  };
}
