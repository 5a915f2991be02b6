/** Which of the published models a folder holds, as its configuration says, before any weights are read. */
import type { FileReader } from '@loop-diffusion/diffusion-models';

import {
  defaultsOfClass,
  type ModelClass,
  type ModelDefaults,
} from '../configuration/model-defaults';

/** Channels of the first level of every published model; smaller ones are made for tests and demonstrations. */
const PUBLISHED_CHANNELS = 320;
/** Latents of more than this are of 768 pixels. */
const SMALL_SIDE = 64;

/** The file that says it. */
export const MODEL_DEFAULTS_FILES = ['unet/config.json'];

/** @returns undefined for a miniature, and where the configuration cannot be read, of which opening the model tells */
export async function readModelDefaults(reader: FileReader): Promise<ModelDefaults | undefined> {
  try {
    const bytes = await reader.read('unet/config.json');
    const found = classOf(JSON.parse(new TextDecoder().decode(bytes)) as UNetFile);
    return found && defaultsOfClass(found);
  } catch {
    return undefined;
  }
}

/** Keys of diffusers' `unet/config.json`. */
interface UNetFile {
  readonly block_out_channels?: readonly number[];
  readonly addition_embed_type?: string | null;
  readonly sample_size?: number;
}

function classOf(config: UNetFile): ModelClass | undefined {
  const [channels = 0] = config.block_out_channels ?? [PUBLISHED_CHANNELS];
  if (channels < PUBLISHED_CHANNELS) return undefined;
  if (config.addition_embed_type === 'text_time') return 'sdxl';
  return (config.sample_size ?? SMALL_SIDE) > SMALL_SIDE ? 'sd-768' : 'sd-512';
}
