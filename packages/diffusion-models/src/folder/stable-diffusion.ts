import type { AutoencoderConfig } from '../autoencoder/config';
import type { TextEncoderConfig } from '../text-encoder/config';
import type { ClipTokenizer, ClipTokenizerFiles } from '../tokenizer/clip-tokenizer';
import type { Weights } from '../types';
import type { UNetConfig } from '../unet/config';

/** One network: what it looks like, and its weights. */
export interface ModelPart<Config> {
  readonly config: Config;
  readonly weights: Weights;
}

/** What a diffusers folder holds of a Stable Diffusion, apart from the tokenizer's and our own conveniences. */
export interface StableDiffusionParts {
  readonly unet: ModelPart<UNetConfig>;
  readonly vae: ModelPart<AutoencoderConfig>;
  readonly textEncoder: ModelPart<TextEncoderConfig>;
  readonly tokenizerFiles: ClipTokenizerFiles;
  /** `scheduler_config.json`, as it is. */
  readonly scheduler: Readonly<Record<string, unknown>>;
}

/** A whole Stable Diffusion, ready to use. */
export interface StableDiffusion extends StableDiffusionParts {
  readonly tokenizer: ClipTokenizer;
  /** What of the folder is not used, for people to read. */
  readonly notes: readonly string[];
  /** Frees all weights. */
  dispose(): void;
}
