/** Adapters added to the weights of a model, each with its weight. */
import {
  mergeLoras,
  type LoraAdapter,
  type StableDiffusion,
} from '@loop-diffusion/diffusion-models';
import * as tf from '@tensorflow/tfjs-core';

import type { LoraArgument } from './lora-argument';
import { openAdapter, type OpenAdapterOptions } from './open-adapter';
import { readAdapterFile, type AdapterFile } from './read-adapter-file';

export type LoraFile = LoraArgument & AdapterFile;

/** @throws UserError when one cannot be read */
export async function readLoraFiles(loras: readonly LoraArgument[]): Promise<LoraFile[]> {
  const files: LoraFile[] = [];
  for (const lora of loras) files.push({ ...lora, ...(await readAdapterFile(lora.path)) });
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
  options: OpenAdapterOptions = {},
): StableDiffusion {
  const { config, weights } = model.unet;
  const opened: { adapter: LoraAdapter; weight: number }[] = [];
  try {
    for (const file of files) {
      const adapter = openAdapter(file.path, file, weights, options);
      opened.push({ adapter, weight: file.weight });
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
