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

/** What a diffusers folder holds of a Stable Diffusion, apart from the tokenizers and our own conveniences. */
export interface StableDiffusionParts {
  readonly unet: ModelPart<UNetConfig>;
  readonly vae: ModelPart<AutoencoderConfig>;
  readonly textEncoder: ModelPart<TextEncoderConfig>;
  readonly tokenizerFiles: ClipTokenizerFiles;
  /** The second text encoder of Stable Diffusion XL, with a projection; 1 and 2 have none. */
  readonly textEncoder2?: ModelPart<TextEncoderConfig> | undefined;
  readonly tokenizerFiles2?: ClipTokenizerFiles | undefined;
  /** Is the empty prompt all zeros, instead of what the text encoders make of it? So it is in XL. */
  readonly zeroEmptyPrompt?: boolean | undefined;
  /** `scheduler_config.json`, as it is. */
  readonly scheduler: Readonly<Record<string, unknown>>;
}

/** A whole Stable Diffusion, ready to use. */
export interface StableDiffusion extends StableDiffusionParts {
  readonly tokenizer: ClipTokenizer;
  /** There where `textEncoder2` is. */
  readonly tokenizer2?: ClipTokenizer | undefined;
  /** What of the folder is not used, for people to read. */
  readonly notes: readonly string[];
  /** Frees the text encoders alone, when all prompts are encoded; they cannot be used any more. */
  releaseTextEncoders(): void;
  /** Frees all weights. */
  dispose(): void;
}

/** The class of diffusers' pipeline that the parts make up. */
export function pipelineOf({
  textEncoder2,
}: Pick<StableDiffusionParts, 'textEncoder2'>):
  'StableDiffusionPipeline' | 'StableDiffusionXLPipeline' {
  return textEncoder2 === undefined ? 'StableDiffusionPipeline' : 'StableDiffusionXLPipeline';
}
