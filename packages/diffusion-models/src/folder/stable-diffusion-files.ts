import { writeSafetensors } from '@loop-diffusion/safetensors';
import { formatAutoencoderConfig } from '../autoencoder/config';
import { formatTextEncoderConfig } from '../text-encoder/config';
import { formatPythonJson } from '../python-json';
import type { Weights } from '../types';
import { formatUNetConfig } from '../unet/config';
import { weightsToSafetensors } from '../weights';
import { formatModelIndex, SCHEDULER_CLASSES } from './model-index';
import type { StableDiffusionParts } from './stable-diffusion';

export interface StableDiffusionFilesOptions {
  /** Element type of the weights. Float16 halves the files and rounds to 11 bits. Default `F32`. */
  readonly dtype?: 'F32' | 'F16';
}

/**
 * A Stable Diffusion as the files of a diffusers folder, which `StableDiffusionPipeline.from_pretrained` and
 * {@link loadStableDiffusion} read. Nothing is written: the caller stores the bytes under the paths given.
 *
 * @param parts a loaded model, perhaps with other weights
 * @throws Error when the scheduler is none that the loader takes
 */
export function stableDiffusionFiles(
  parts: StableDiffusionParts,
  { dtype = 'F32' }: StableDiffusionFilesOptions = {},
): Map<string, Uint8Array> {
  const { unet, vae } = parts;
  const scheduler = { _class_name: 'DDIMScheduler', ...parts.scheduler };
  if (!SCHEDULER_CLASSES.includes(scheduler._class_name)) {
    throw new Error(
      `The scheduler ${JSON.stringify(scheduler._class_name)} is not supported; supported: ${SCHEDULER_CLASSES.join(', ')}.`,
    );
  }
  const files = new Map<string, Uint8Array>();
  const text = (path: string, content: string): void => {
    files.set(path, new TextEncoder().encode(content));
  };
  const json = (path: string, value: unknown): void => {
    if (value !== undefined) text(path, `${formatPythonJson(value, 2)}\n`);
  };
  const tensors = (path: string, weights: Weights): void => {
    // The metadata tell Python's loaders that the layout is PyTorch's.
    files.set(path, writeSafetensors(weightsToSafetensors(weights, dtype), { format: 'pt' }));
  };

  const isXl = parts.textEncoder2 !== undefined;
  const zeroEmptyPrompt = parts.zeroEmptyPrompt ?? isXl;
  const texts = [
    ['', parts.textEncoder, parts.tokenizerFiles],
    ['_2', parts.textEncoder2, parts.tokenizerFiles2],
  ] as const;
  const fastTokenizers = texts
    .filter(([, , tokenizer]) => tokenizer?.cleaning === 'fast')
    .map(([suffix]) => `tokenizer${suffix}`);
  const index = { isXl, zeroEmptyPrompt, fastTokenizers };
  json('model_index.json', formatModelIndex(scheduler._class_name, index));
  json('scheduler/scheduler_config.json', scheduler);
  for (const [suffix, encoder, tokenizer] of texts) {
    if (encoder === undefined || tokenizer === undefined) continue;
    json(`tokenizer${suffix}/vocab.json`, tokenizer.vocab);
    text(`tokenizer${suffix}/merges.txt`, tokenizer.merges);
    json(`tokenizer${suffix}/special_tokens_map.json`, tokenizer.specialTokens);
    json(`tokenizer${suffix}/tokenizer_config.json`, tokenizer.config);
    json(`tokenizer${suffix}/added_tokens.json`, tokenizer.addedTokens);
    json(`text_encoder${suffix}/config.json`, formatTextEncoderConfig(encoder.config));
    tensors(`text_encoder${suffix}/model.safetensors`, encoder.weights);
  }
  json('unet/config.json', formatUNetConfig(unet.config));
  tensors('unet/diffusion_pytorch_model.safetensors', unet.weights);
  json('vae/config.json', formatAutoencoderConfig(vae.config));
  tensors('vae/diffusion_pytorch_model.safetensors', vae.weights);
  return files;
}
