/** A model with another UNet, or adapters merged into its weights, as a diffusers folder of its own. */
import {
  loadStableDiffusion,
  stableDiffusionFiles,
  type StableDiffusion,
} from '@loop-diffusion/diffusion-models';
import { useBestBackend } from '@loop-diffusion/native-tensorflow';

import { checkNewFolder, writeFolderAtomically } from '../files/write-folder-atomically';
import { UserError } from '../user-error';
import type { LoraArgument } from '../weights/lora-argument';
import { readLoraFiles, withMergedAdapters } from '../weights/merged-adapters';
import { resolveModel } from '../weights/resolve-model';
import { withUNetOf } from '../weights/with-unet-of';

export interface MergeModelOptions {
  readonly model: string;
  /** The folder of a UNet in the place of the model's own. */
  readonly unet?: string | undefined;
  /** Added in this order; may be none. */
  readonly loras: readonly LoraArgument[];
  /** Read the UNet's part alone of adapters that change the text encoder too. */
  readonly unetOnly?: boolean | undefined;
  /** A folder that does not exist. */
  readonly out: string;
  /** Element type of all weights. */
  readonly dtype: 'F32' | 'F16';
  readonly signal?: AbortSignal | undefined;
}

export interface MergedModel {
  readonly folder: string;
  readonly loras: readonly LoraArgument[];
}

/**
 * Writes the folder whole or not at all; Python's `StableDiffusionPipeline.from_pretrained` loads it.
 *
 * @throws UserError that says what is wrong with the model, an adapter or the folder
 */
export async function mergeModel(options: MergeModelOptions): Promise<MergedModel> {
  const { loras, out, dtype, signal } = options;
  checkNewFolder(out);
  const reader = withUNetOf(await resolveModel(options.model), options.unet);
  const files = await readLoraFiles(loras);
  await useBestBackend({ quiet: true });
  const original = await loadStableDiffusion(reader);
  let model = original;
  try {
    model = withMergedAdapters(original, files, options);
    await writeFolderAtomically(out, filesOf(model, dtype), { signal });
    return { folder: out, loras };
  } finally {
    model.dispose();
  }
}

/** @throws UserError when a weight is no number that the type can hold */
function filesOf(model: StableDiffusion, dtype: 'F32' | 'F16'): Map<string, Uint8Array> {
  try {
    return stableDiffusionFiles(model, { dtype });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new UserError(`The merged model cannot be written: ${reason}`, { cause: error });
  }
}
