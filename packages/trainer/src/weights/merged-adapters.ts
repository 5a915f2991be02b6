/** Adapters added to the weights of a model, each with its weight. */
import {
  mergeLoras,
  type LoraAdapter,
  type StableDiffusion,
} from '@loop-diffusion/diffusion-models';
import * as tf from '@tensorflow/tfjs-core';

import type { LoraArgument } from './lora-argument';
import { openAdapter } from './open-adapter';
import { readAdapterFile } from './read-adapter-file';

export interface LoraFile extends LoraArgument {
  readonly bytes: Uint8Array;
}

/** @throws UserError when one cannot be read */
export async function readLoraFiles(loras: readonly LoraArgument[]): Promise<LoraFile[]> {
  const files: LoraFile[] = [];
  for (const lora of loras) files.push({ ...lora, bytes: await readAdapterFile(lora.path) });
  return files;
}

/**
 * The model with adapters added to its UNet's weights, in their order. Weights that change are freed: use the result in the
 * model's place, and dispose of it alone.
 *
 * @throws UserError when a file is no adapter, or one of another model, which stays as it was
 */
export function withMergedAdapters(
  model: StableDiffusion,
  files: readonly LoraFile[],
): StableDiffusion {
  const { config, weights } = model.unet;
  const opened: { adapter: LoraAdapter; weight: number }[] = [];
  try {
    for (const { path, bytes, weight } of files) {
      opened.push({ adapter: openAdapter(path, bytes, weights), weight });
    }
    const merged = mergeLoras(weights, opened);
    for (const [key, weight] of Object.entries(weights)) {
      if (merged[key] !== weight) weight.dispose();
    }
    const dispose = (): void => {
      tf.dispose(merged);
      model.dispose();
    };
    return { ...model, unet: { config, weights: merged }, dispose };
  } finally {
    tf.dispose(opened.map(({ adapter }) => adapter.weights));
  }
}
