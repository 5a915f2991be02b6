/** A model with adapters merged into its weights, as a diffusers folder of its own. */
import {
  loadStableDiffusion,
  mergeLoras,
  stableDiffusionFiles,
  type WeightedLora,
} from '@loop-diffusion/diffusion-models';
import { useBestBackend } from '@loop-diffusion/native-tensorflow';
import * as tf from '@tensorflow/tfjs-core';

import type { LoraArgument } from './files/lora-argument';
import { readAdapterFile } from './files/read-adapter-file';
import { resolveModel } from './files/resolve-model';
import { checkNewFolder, writeFolderAtomically } from './files/write-folder-atomically';
import { openAdapter } from './open-adapter';

export interface MergeModelOptions {
  readonly model: string;
  /** Added in this order. */
  readonly loras: readonly LoraArgument[];
  /** A folder that does not exist. */
  readonly out: string;
  /** Element type of all weights. */
  readonly dtype: 'F32' | 'F16';
  readonly signal?: AbortSignal | undefined;
}

export interface MergedModel {
  readonly folder: string;
  readonly loras: readonly LoraArgument[];
  /** How many weights were changed. */
  readonly modules: number;
}

/**
 * Writes the folder whole or not at all; Python's `StableDiffusionPipeline.from_pretrained` loads it.
 *
 * @throws UserError that says what is wrong with the model, an adapter or the folder
 */
export async function mergeModel(options: MergeModelOptions): Promise<MergedModel> {
  const { loras, out, dtype, signal } = options;
  checkNewFolder(out);
  const reader = await resolveModel(options.model);
  const files: Uint8Array[] = [];
  for (const { path } of loras) files.push(await readAdapterFile(path));
  await useBestBackend({ quiet: true });
  const model = await loadStableDiffusion(reader);
  const adapters: WeightedLora[] = [];
  let merged: Record<string, tf.Tensor> = {};
  try {
    const { config, weights } = model.unet;
    for (const [index, { path, weight }] of loras.entries()) {
      const bytes = files[index] as Uint8Array;
      adapters.push({ adapter: openAdapter(path, bytes, weights), weight });
    }
    merged = mergeLoras(weights, adapters);
    const changed = Object.keys(merged).filter((key) => merged[key] !== weights[key]);
    const parts = { ...model, unet: { config, weights: merged } };
    await writeFolderAtomically(out, stableDiffusionFiles(parts, { dtype }), { signal });
    return { folder: out, loras, modules: changed.length };
  } finally {
    // What is not merged is the model's, which may be freed twice.
    tf.dispose([merged, adapters.map(({ adapter }) => adapter.weights)]);
    model.dispose();
  }
}
