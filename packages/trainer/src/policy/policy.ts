/**
 * The policy π_θ(x_{t−1} | x_t, c): a UNet with its adapter, under guidance, and what makes pictures of prompts around it.
 *
 * Only `learning`, `run`, `api` and `command-line` may import this folder.
 */
import type { NoiseSchedule } from '@loop-diffusion/diffusion-mdp';
import type { LoraAdapter, StableDiffusion } from '@loop-diffusion/diffusion-models';

import type { Compute } from './compute';
import type { LatentShape } from './latent-shape';
import type { TextCondition } from './text-condition';
import type { TextSource } from './text-source';

/** The network and its settings, as compiled functions take them: every tensor in it is one of their arguments. */
export interface Denoiser {
  readonly unet: StableDiffusion['unet'];
  readonly schedule: NoiseSchedule;
  readonly adapter?: LoraAdapter | undefined;
  /** Classifier-free guidance scale; up to 1 the model is called without the empty prompt, as diffusers does. */
  readonly guidance: number;
  /** Keep little for the gradient and compute it again: less memory, more arithmetic. */
  readonly gradientCheckpointing?: boolean | undefined;
}

/** A denoiser with what runs it. */
export interface RunningDenoiser extends Denoiser {
  readonly compute: Compute;
}

/** A denoiser with what makes pictures of prompts around it. */
export interface Policy extends RunningDenoiser {
  readonly model: StableDiffusion;
  readonly texts: TextSource;
  readonly latentShape: LatentShape;
  /** Decode in tiles, for images that are too large for the memory. */
  readonly vaeTiles?: boolean | undefined;
}

/** What a batch of rows is conditioned on. */
export interface Conditioning {
  readonly prompts: TextCondition;
  /** The empty prompt, one row. */
  readonly empty: TextCondition;
}
