/** The reference library's models and tensors, for tests. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import {
  loadStableDiffusion,
  type FileReader,
  type LoraAdapter,
  type StableDiffusion,
} from '@loop-diffusion/diffusion-models';
import { readSafetensors, toFloat32Array } from '@loop-diffusion/safetensors';
import * as tf from '@tensorflow/tfjs-core';

export const FIXTURES = join(__dirname, '../../fixtures');
/** A whole pipeline that diffusers wrote, with random weights. */
export const PIPELINE = join(__dirname, '../../../diffusion-models/fixtures/pipeline');

export function loadPipeline(folder = PIPELINE): Promise<StableDiffusion> {
  const reader: FileReader = {
    name: folder,
    read: (path) => Promise.resolve(new Uint8Array(readFileSync(join(folder, path)))),
    exists: (path) => Promise.resolve(existsSync(join(folder, path))),
  };
  return loadStableDiffusion(reader);
}

export function readJson(...path: string[]): unknown {
  return JSON.parse(readFileSync(join(...path), 'utf8'));
}

/** Tensors of a file, shapes as they stand in it. */
export function readTensors(...path: string[]): Map<string, tf.Tensor> {
  const { tensors } = readSafetensors(new Uint8Array(readFileSync(join(...path))));
  return new Map(
    [...tensors].map(([key, tensor]) => [
      key,
      tf.tensor(toFloat32Array(tensor), [...tensor.shape]),
    ]),
  );
}

/** PEFT's file of a LoRA as variables to train. */
export function readLora(...path: string[]): LoraAdapter {
  const weights = [...readTensors(...path)].map(([key, tensor]): [string, tf.Variable] => [
    key.replace('.lora_A.', '.lora.down.').replace('.lora_B.', '.lora.up.'),
    tf.variable(tensor),
  ]);
  return {
    config: { rank: 4, alpha: 4, targets: ['to_q', 'to_k', 'to_v', 'to_out.0'] },
    weights: Object.fromEntries(weights),
  };
}

/** `[b, channels, height, width]` → `[b, height, width, channels]` */
export function channelsLast(tensor: tf.Tensor): tf.Tensor4D {
  return tf.transpose(tensor as tf.Tensor4D, [0, 2, 3, 1]);
}

export function largestDifference(actual: tf.Tensor, expected: tf.Tensor): number {
  return tf.tidy(() => tf.max(tf.abs(tf.sub(actual, expected))).dataSync()[0] ?? Number.NaN);
}
