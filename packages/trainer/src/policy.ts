/** The policy π_θ(x_{t−1} | x_t, c): a UNet with its adapter, under guidance, behind a denoise step. */
import { classifierFreeGuidance, type NoiseSchedule } from '@loop-diffusion/diffusion-mdp';
import {
  encodeText,
  unet,
  type LoraAdapter,
  type StableDiffusion,
} from '@loop-diffusion/diffusion-models';
import * as tf from '@tensorflow/tfjs-core';

export interface Policy {
  readonly model: StableDiffusion;
  readonly schedule: NoiseSchedule;
  readonly adapter?: LoraAdapter | undefined;
  /** Classifier-free guidance scale; up to 1 the model is called without the empty prompt, as diffusers does. */
  readonly guidance: number;
}

/** What a batch of rows is conditioned on. */
export interface Conditioning {
  /** `[rows, tokens, width]` */
  readonly prompts: tf.Tensor3D;
  /** The empty prompt, `[1, tokens, width]`. */
  readonly empty: tf.Tensor3D;
}

/** Text states of prompts, `[prompts, tokens, width]`. */
export function encodePrompts(model: StableDiffusion, prompts: readonly string[]): tf.Tensor3D {
  const { config, weights } = model.textEncoder;
  const ids = prompts.map((prompt) => model.tokenizer.encode(prompt));
  return tf.tidy(() => encodeText(config, weights, ids).lastHiddenState);
}

/**
 * The guided model output ε_u + w (ε_c − ε_u), or ε_c without guidance, differentiable in the adapter through both
 * branches (Ho & Salimans 2022, arXiv:2207.12598).
 *
 * @param sample `[rows, height, width, channels]`
 * @param timesteps one for all rows or one per row
 * @returns the shape of `sample`
 */
export function predict(
  policy: Policy,
  sample: tf.Tensor4D,
  timesteps: number | readonly number[],
  conditioning: Conditioning,
): tf.Tensor4D {
  const { config, weights } = policy.model.unet;
  const lora = policy.adapter;
  if (policy.guidance <= 1) {
    return unet(config, weights, {
      sample,
      timesteps,
      encoderHiddenStates: conditioning.prompts,
      lora,
    });
  }
  // One call for both branches, the empty prompt first.
  const rows = sample.shape[0];
  const empty = tf.tile(conditioning.empty, [rows, 1, 1]);
  const output = unet(config, weights, {
    sample: tf.concat([sample, sample]),
    timesteps: typeof timesteps === 'number' ? timesteps : [...timesteps, ...timesteps],
    encoderHiddenStates: tf.concat([empty, conditioning.prompts]),
    lora,
  });
  const [unconditional, conditional] = tf.split(output, 2) as [tf.Tensor4D, tf.Tensor4D];
  return classifierFreeGuidance(unconditional, conditional, policy.guidance);
}
