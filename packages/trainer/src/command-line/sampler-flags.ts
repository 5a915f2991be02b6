/** The flags that `sample` and `evaluate` share. */
import { Option, type Command } from 'commander';

import { BACKEND_NAMES, type BackendSetting } from '../configuration/schema';
import { LARGEST_IMAGE_SIDE } from '../configuration/sections/sampling';
import { realNumberFlag, wholeNumberFlag } from './numbers';

export interface SamplerFlags {
  readonly model: string;
  readonly unet?: string;
  readonly lora?: readonly string[];
  readonly unetOnly?: boolean;
  readonly seed: number;
  /** The model's where left out, as {@link guidance}. */
  readonly steps?: number;
  /** {@link DEFAULT_ETA} where left out. */
  readonly eta?: number;
  readonly guidance?: number;
  readonly height?: number;
  readonly width?: number;
  readonly vaeTiles?: boolean;
  readonly safety?: number;
  readonly backend: BackendSetting;
}

export const DEFAULT_ETA = 1;

/** What `--model` takes. */
export const MODEL_FLAG =
  'a diffusers folder, hf:owner/name[@revision] on the Hugging Face Hub, or shapes for the embedded model';

/** What `--unet` takes. */
export const UNET_FLAG =
  "a UNet in the place of the model's own: the folder of a run with lora: null, or a diffusers folder";

/** Of the commands that read adapters. */
export const UNET_ONLY_FLAG =
  'leave out what adapters change of the text encoder, which is refused else';

export function addSamplerFlags(command: Command): Command {
  return addBackendFlag(
    command
      .requiredOption('--model <model>', MODEL_FLAG)
      .option('--unet <folder>', UNET_FLAG)
      .option(
        '--lora <file[:weight]>',
        'an adapter in safetensors, or the folder that holds it; may be given many times, and all are added',
        (value: string, previous: readonly string[] | undefined) => [...(previous ?? []), value],
      )
      .option('--unet-only', UNET_ONLY_FLAG)
      .option('--seed <n>', 'seed of the noise', wholeNumberFlag(0, 0xffffffff), 0)
      .option(
        '--steps <n>',
        'denoise steps (default: 30; 10 for the embedded model)',
        wholeNumberFlag(1, 1000),
      )
      .option(
        '--eta <x>',
        `randomness of a denoise step, 0 to 1 (default: ${String(DEFAULT_ETA)})`,
        realNumberFlag(0, 1),
      )
      .option(
        '--guidance <w>',
        'classifier-free guidance scale; 1 is none (default: 7.5; 5 for Stable Diffusion XL, 1 for the embedded model)',
        realNumberFlag(0, 100),
      )
      .option('--height <pixels>', "of the images; the model's own without it", imageSideFlag)
      .option('--width <pixels>', "of the images; the model's own without it", imageSideFlag)
      .option('--vae-tiles', 'decode in tiles that fade into each other: less memory')
      .option(
        '--safety <p>',
        'least probability that an image is safe for work, by nsfwjs, for it to be written; a grey one takes its place',
        realNumberFlag(0, 1),
      ),
  );
}

export const imageSideFlag = wholeNumberFlag(8, LARGEST_IMAGE_SIDE);

export function addBackendFlag(command: Command): Command {
  return command.addOption(
    new Option('--backend <name>', 'where tensors live; auto takes the fastest there is')
      .choices(['auto', ...BACKEND_NAMES])
      .default('auto'),
  );
}
