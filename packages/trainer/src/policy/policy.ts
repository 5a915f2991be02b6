/** The policy π_θ(x_{t−1} | x_t, c): a UNet with its adapter, under guidance, behind a denoise step. */
import {
  classifierFreeGuidance,
  stepTensor,
  takePolicyStep,
  type DenoiseStep,
  type NoiseSchedule,
  type PolicyStep,
  type StepTensor,
} from '@loop-diffusion/diffusion-mdp';
import {
  mergeLora,
  unet,
  unetText,
  unetTimesteps,
  type LoraAdapter,
  type StableDiffusion,
  type UNetText,
} from '@loop-diffusion/diffusion-models';
import { compile, parallelParts, sideBySide } from '@loop-diffusion/native-tensorflow';
import * as tf from '@tensorflow/tfjs-core';

import type { LatentShape } from './latent-shape';
import { cutRows, joinRows } from './rows';
import type { TextSource } from './text-source';

export interface Denoiser {
  readonly unet: StableDiffusion['unet'];
  readonly schedule: NoiseSchedule;
  readonly adapter?: LoraAdapter | undefined;
  /** Classifier-free guidance scale; up to 1 the model is called without the empty prompt, as diffusers does. */
  readonly guidance: number;
  /** Keep little for the gradient and compute it again: less memory, more arithmetic. */
  readonly checkpoint?: boolean | undefined;
}

/** A denoiser with what makes pictures of prompts around it. */
export interface Policy extends Denoiser {
  readonly model: StableDiffusion;
  readonly texts: TextSource;
  readonly latentShape: LatentShape;
  /** Decode in tiles, for images that are too large for the memory. */
  readonly vaeTiles?: boolean | undefined;
}

/** What the network is told of texts, a row each. */
export interface TextCondition<States = tf.Tensor3D | UNetText> {
  /** `[rows, tokens, width]`, or keys and values as the UNet makes them of it. */
  readonly states: States;
  /** Stable Diffusion XL's added condition, `[rows, channels]`. */
  readonly added: tf.Tensor2D | undefined;
}

/** Fresh from the text encoders. */
export type EncodedText = TextCondition<tf.Tensor3D>;

/** What a batch of rows is conditioned on. */
export interface Conditioning {
  readonly prompts: TextCondition;
  /** The empty prompt, one row. */
  readonly empty: TextCondition;
}

/** When a batch's rows are: what the network is told of it, and the numbers of the step. */
export interface Moment {
  /** Sinusoids, `[1 or rows, channels]`. */
  readonly timesteps: tf.Tensor2D;
  readonly step: StepTensor;
}

/** Rows of texts, in the order given. */
export function gatherTexts(
  { states, added }: TextCondition,
  rows: readonly number[],
): TextCondition {
  return tf.tidy(() => {
    // The kernel looks at its indices: each has its own, which are still on the host then.
    const gather = <T extends tf.Tensor>(tensor: T): T =>
      tf.gather(tensor, tf.tensor1d([...rows], 'int32'));
    return {
      states:
        states instanceof tf.Tensor
          ? gather(states)
          : Object.fromEntries(Object.entries(states).map(([path, text]) => [path, gather(text)])),
      added: added && gather(added),
    };
  });
}

export function disposeTexts(...texts: readonly TextCondition[]): void {
  tf.dispose(texts.flatMap(({ states, added }) => (added ? [states, added] : [states])));
}

/**
 * The same denoiser with its adapter merged into the weights, for many calls with the same weights; the bits do not change.
 * `dispose` frees what was merged.
 */
export function mergeAdapter({ unet, schedule, adapter, guidance }: Denoiser): {
  denoiser: Denoiser;
  dispose: () => void;
} {
  if (adapter === undefined) {
    return { denoiser: { unet, schedule, guidance }, dispose: () => undefined };
  }
  const { config, weights } = unet;
  const merged = mergeLora(weights, adapter);
  return {
    denoiser: { unet: { config, weights: merged }, schedule, guidance },
    dispose: () => {
      for (const [key, weight] of Object.entries(merged)) {
        if (weight !== weights[key]) weight.dispose();
      }
    },
  };
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
  const { adapter: lora, checkpoint } = denoiser;
  const moments = unetTimesteps(config, timesteps);
  const { prompts, empty } = conditioning;
  if (denoiser.guidance <= 1) {
    return unet(config, weights, {
      sample,
      timesteps: moments,
      encoderHiddenStates: prompts.states,
      added: prompts.added,
      lora,
      checkpoint,
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
    checkpoint,
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

/**
 * What the UNet makes of texts, once for all steps of a rollout with the same weights; compiled where the backend can.
 *
 * @param text `[prompts, tokens, width]`
 */
export const prepareText = compile(
  ({ unet: { weights }, adapter }: Denoiser, text: tf.Tensor3D): UNetText =>
    unetText(weights, text, adapter),
);

/**
 * One denoise step of a batch, compiled where the backend can.
 *
 * @param noise z, standard normal, the shape of `sample`
 */
export function denoise(
  denoiser: Denoiser,
  moment: Moment,
  sample: tf.Tensor4D,
  noise: tf.Tensor4D,
  conditioning: Conditioning,
): PolicyStep {
  const batch = { moment, sample, noise, conditioning };
  return compiledDenoise(denoiser, batch, parallelParts(sample.shape[0]));
}

const compiledDenoise = compile((denoiser: Denoiser, batch: DenoiseBatch, parts: number) => {
  const taken = sideBySide(cutRows(batch, parts), ({ moment, sample, noise, conditioning }) => {
    const output = predict(denoiser, sample, moment.timesteps, conditioning);
    return takePolicyStep(denoiser.schedule, moment.step, sample, output, noise);
  });
  const logProbs = taken.flatMap(({ logProb }) => logProb ?? []);
  return {
    previousSample: joinRows(taken.map(({ previousSample }) => previousSample)),
    logProb: logProbs.length === 0 ? null : joinRows(logProbs),
  };
});

interface DenoiseBatch {
  readonly moment: Moment;
  readonly sample: tf.Tensor4D;
  readonly noise: tf.Tensor4D;
  readonly conditioning: Conditioning;
}
