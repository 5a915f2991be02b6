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
  encodeText,
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

import { cutRows, joinRows } from './rows';

export interface Denoiser {
  readonly unet: StableDiffusion['unet'];
  readonly schedule: NoiseSchedule;
  readonly adapter?: LoraAdapter | undefined;
  /** Classifier-free guidance scale; up to 1 the model is called without the empty prompt, as diffusers does. */
  readonly guidance: number;
  /** Keep little for the gradient and compute it again: less memory, more arithmetic. */
  readonly checkpoint?: boolean | undefined;
}

/** A denoiser with the model around it. */
export interface Policy extends Denoiser {
  readonly model: StableDiffusion;
}

/** What a batch of rows is conditioned on. */
export interface Conditioning<Text = tf.Tensor3D | UNetText> {
  /** `[rows, tokens, width]`, or keys and values as the UNet makes them of it. */
  readonly prompts: Text;
  /** The empty prompt, `[1, tokens, width]`. */
  readonly empty: Text;
}

/** When a batch's rows are: what the network is told of it, and the numbers of the step. */
export interface Moment {
  /** Sinusoids, `[1 or rows, channels]`. */
  readonly timesteps: tf.Tensor2D;
  readonly step: StepTensor;
}

/** Text states of prompts, `[prompts, tokens, width]`. */
export function encodePrompts(model: StableDiffusion, prompts: readonly string[]): tf.Tensor3D {
  const { config, weights } = model.textEncoder;
  const ids = prompts.map((prompt) => model.tokenizer.encode(prompt));
  return tf.tidy(() => encodeText(config, weights, ids).lastHiddenState);
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
  if (denoiser.guidance <= 1) {
    return unet(config, weights, {
      sample,
      timesteps: moments,
      encoderHiddenStates: conditioning.prompts,
      lora,
      checkpoint,
    });
  }
  // One call for both branches, the empty prompt first.
  const rows = sample.shape[0];
  const output = unet(config, weights, {
    sample: tf.concat([sample, sample]),
    timesteps: moments.shape[0] === 1 ? moments : tf.concat([moments, moments]),
    encoderHiddenStates: bothBranches(conditioning, rows),
    lora,
    checkpoint,
  });
  const [unconditional, conditional] = tf.split(output, 2) as [tf.Tensor4D, tf.Tensor4D];
  return classifierFreeGuidance(unconditional, conditional, denoiser.guidance);
}

/** The text of a call for both branches, the empty prompt first. */
function bothBranches({ empty, prompts }: Conditioning, rows: number): tf.Tensor3D | UNetText {
  const join = (first: tf.Tensor3D, second: tf.Tensor3D): tf.Tensor3D =>
    tf.concat([tf.tile(first, [rows, 1, 1]), second]);
  if (empty instanceof tf.Tensor) return join(empty, prompts as tf.Tensor3D);
  const texts = prompts as UNetText;
  return Object.fromEntries(
    Object.entries(empty).map(([path, text]) => [path, join(text, texts[path] as tf.Tensor3D)]),
  );
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
