/** A policy's trained weights as a file that diffusers reads, and back: float32, bit for bit. */
import {
  loraFromSafetensors,
  loraToSafetensors,
  weightsFromSafetensors,
  weightsToSafetensors,
  type Weights,
} from '@loop-diffusion/diffusion-models';
import { readSafetensors, writeSafetensors } from '@loop-diffusion/safetensors';
import * as tf from '@tensorflow/tfjs-core';

import { ADAPTER_FILE } from './adapter-file';
import { trainedWeights, type Network } from './trained-weights';
import { CHECKPOINT_UNET_FILE } from './unet-file';

/** The file's name in a checkpoint. */
export function trainedFileName({ adapter }: Network): string {
  return adapter === undefined ? CHECKPOINT_UNET_FILE : ADAPTER_FILE;
}

export function writeTrainedFile({ unet, adapter }: Network): Uint8Array {
  if (adapter !== undefined) return loraToSafetensors(adapter);
  // The metadata tell Python's loaders that the layout is PyTorch's.
  return writeSafetensors(weightsToSafetensors(unet.weights), { format: 'pt' });
}

/**
 * @param network what the file's weights are for
 * @returns one per trained weight, in their order; the caller disposes them
 * @throws Error when the file is damaged, or lacks a weight, or has one of another shape
 */
export function readTrainedFile(network: Network, bytes: Uint8Array): tf.Tensor[] {
  const { unet, adapter } = network;
  const read: Weights =
    adapter === undefined
      ? weightsFromSafetensors(readSafetensors(bytes))
      : loraFromSafetensors(bytes, unet.weights).weights;
  const name = trainedFileName(network);
  const expected = Object.entries(trainedWeights(network));
  try {
    return expected.map(([key, { shape }]) => {
      const weight = read[key];
      if (weight?.shape.join() === shape.join()) return weight.clone();
      const found = weight === undefined ? 'nothing' : `shape [${weight.shape.join(', ')}]`;
      throw new Error(
        `${name} has ${found} for ${key}, where the run has shape [${shape.join(', ')}]`,
      );
    });
  } finally {
    tf.dispose(read);
  }
}
