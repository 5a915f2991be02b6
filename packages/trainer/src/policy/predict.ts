/** What the network answers, with guidance over both branches. */
import {
  classifierFreeGuidance,
  stepTensor,
  type DenoiseStep,
  type StepTensor,
} from '@loop-diffusion/diffusion-mdp';
import { unet, unetTimesteps, type UNetText } from '@loop-diffusion/diffusion-models';
import * as tf from '@tensorflow/tfjs-core';

import type { Conditioning, Denoiser } from './policy';

/** When a batch's rows are: what the network is told of it, and the numbers of the step. */
export interface Moment {
  /** Sinusoids, `[1 or rows, channels]`. */
  readonly timesteps: tf.Tensor2D;
  readonly step: StepTensor;
}

/** @param steps one per row */
export function momentOf(denoiser: Denoiser, steps: readonly DenoiseStep[]): Moment {
  const timesteps = steps.map(({ timestep }) => timestep);
  return {
    timesteps: unetTimesteps(denoiser.unet.config, timesteps),
    step: stepTensor(denoiser.schedule, steps),
  };
}

/**
 * The guided model output ε_u + w (ε_c − ε_u), or ε_c without guidance, differentiable in the adapter through both
 * branches (Ho & Salimans 2022, arXiv:2207.12598).
 *
 * @param sample `[rows, height, width, channels]`
 * @param timesteps one for all rows or one per row, or sinusoids `[1 or rows, channels]`
 * @returns the shape of `sample`
 */
export function predict(
  denoiser: Denoiser,
  sample: tf.Tensor4D,
  timesteps: number | readonly number[] | tf.Tensor2D,
  conditioning: Conditioning,
): tf.Tensor4D {
  const { config, weights } = denoiser.unet;
  const { adapter: lora, gradientCheckpointing } = denoiser;
  const moments = unetTimesteps(config, timesteps);
  const { prompts, empty } = conditioning;
  if (denoiser.guidance <= 1) {
    return unet(config, weights, {
      sample,
      timesteps: moments,
      encoderHiddenStates: prompts.states,
      added: prompts.added,
      lora,
      gradientCheckpointing,
    });
  }
  // One call for both branches, the empty prompt first.
  const rows = sample.shape[0];
  const output = unet(config, weights, {
    sample: tf.concat([sample, sample]),
    timesteps: moments.shape[0] === 1 ? moments : tf.concat([moments, moments]),
    encoderHiddenStates: bothStates(conditioning, rows),
    added: prompts.added && repeatAndJoin(empty.added as tf.Tensor2D, prompts.added, rows),
    lora,
    gradientCheckpointing,
  });
  const [unconditional, conditional] = tf.split(output, 2) as [tf.Tensor4D, tf.Tensor4D];
  return classifierFreeGuidance(unconditional, conditional, denoiser.guidance);
}

/** The text of a call for both branches, the empty prompt first. */
function bothStates({ empty, prompts }: Conditioning, rows: number): tf.Tensor3D | UNetText {
  if (empty.states instanceof tf.Tensor) {
    return repeatAndJoin(empty.states, prompts.states as tf.Tensor3D, rows);
  }
  const texts = prompts.states as UNetText;
  return Object.fromEntries(
    Object.entries(empty.states).map(([path, text]) => [
      path,
      repeatAndJoin(text, texts[path] as tf.Tensor3D, rows),
    ]),
  );
}

/** One row as many times as there are others, and then those. */
function repeatAndJoin<T extends tf.Tensor>(row: T, others: T, rows: number): T {
  return tf.concat([tf.tile(row, [rows, ...row.shape.slice(1).map(() => 1)]), others]);
}
