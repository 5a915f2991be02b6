/** What diffusers' pipelines make of a scheduler's file, which says less than it seems to. */

import { flag, type SchedulerOptions } from './scheduler-options';

/** The pipeline in whose folder the file lies. */
export type PipelineName = 'StableDiffusionPipeline' | 'StableDiffusionXLPipeline';

/** Classes that clamp x̂0 unless their file says otherwise; the others never do. */
const CLIPPING_CLASSES: readonly unknown[] = [undefined, 'DDIMScheduler', 'DDPMScheduler'];

/**
 * The options as the pipeline uses them. The constructor of `StableDiffusionPipeline` puts `steps_offset` to 1 and `clip_sample`
 * to false, whatever the file says: with the defaults of DDIM's class latents, which reach ±4, would be clamped to ±1. That of
 * XL changes nothing; a file of a class that does not clamp then stays so where it leaves the option out.
 */
export function optionsInPipeline(
  options: SchedulerOptions,
  pipeline: PipelineName | undefined,
): SchedulerOptions {
  if (pipeline === undefined) return options;
  const mended = new Map(options);
  if (pipeline === 'StableDiffusionPipeline') {
    // What is malformed is still refused.
    flag(options, 'clip_sample', true);
    mended.set('steps_offset', 1).set('clip_sample', false);
  } else if (
    options.get('clip_sample') === undefined &&
    !CLIPPING_CLASSES.includes(options.get('_class_name'))
  ) {
    mended.set('clip_sample', false);
  }
  return mended;
}
