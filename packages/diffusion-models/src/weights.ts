import type { SafetensorsFile, SafetensorsTensor } from '@loop-diffusion/safetensors';
import { float16Tensor, float32Tensor, toFloat32Array } from '@loop-diffusion/safetensors';
import * as tf from '@tensorflow/tfjs-core';
import type { Weights } from './types';
import { weightTensor } from './weight-tensor';

/** Old CLIP checkpoints store the positions 0 … 76 as integers; nothing needs them. */
const IGNORED_KEY = /(^|\.)position_ids$/;

/** A kernel's axes in a file are `[out, in, h, w]`, here `[h, w, in, out]`. */
const FROM_FILE = [2, 3, 1, 0];
const TO_FILE = [3, 2, 0, 1];

/**
 * Makes a float32 tensor of float16 or bfloat16 numbers, where the backend has a faster way than a loop in JavaScript; undefined
 * where it has none.
 */
export type WidenHalves = (
  bytes: Uint8Array,
  dtype: 'F16' | 'BF16',
  shape: readonly number[],
) => tf.Tensor | undefined;

/**
 * The tensors of a checkpoint as float32, convolution kernels turned from `[out, in, h, w]` to
 * `[h, w, in, out]`. The caller owns and disposes them.
 */
export function weightsFromSafetensors(file: SafetensorsFile): Record<string, tf.Tensor> {
  const weights: Record<string, tf.Tensor> = {};
  for (const [key, stored] of file.tensors) {
    if (!IGNORED_KEY.test(key)) weights[key] = weightFromFile(stored);
  }
  return weights;
}

/**
 * The same from tensors that come one by one, so that no more than one of them is in memory twice.
 *
 * @throws what the source throws; nothing is kept then
 */
export async function weightsFromStream(
  tensors: AsyncIterable<readonly [string, SafetensorsTensor]>,
  widen?: WidenHalves,
): Promise<Record<string, tf.Tensor>> {
  const weights: Record<string, tf.Tensor> = {};
  try {
    for await (const [key, stored] of tensors) {
      if (!IGNORED_KEY.test(key)) weights[key] = weightFromFile(stored, widen);
    }
  } catch (error) {
    tf.dispose(weights);
    throw error;
  }
  return weights;
}

function weightFromFile(stored: SafetensorsTensor, widen?: WidenHalves): tf.Tensor {
  const { dtype, shape, bytes } = stored;
  const widened = dtype === 'F16' || dtype === 'BF16' ? widen?.(bytes, dtype, shape) : undefined;
  const weight = widened ?? weightTensor(toFloat32Array(stored), shape);
  if (weight.rank !== 4) return weight;
  const kernel = tf.transpose(weight, FROM_FILE);
  weight.dispose();
  return kernel;
}

/** The inverse of {@link weightsFromSafetensors}: entries for a safetensors file, sorted by key. */
export function weightsToSafetensors(
  weights: Weights,
  dtype: 'F32' | 'F16' = 'F32',
): [string, SafetensorsTensor][] {
  const encode = dtype === 'F16' ? float16Tensor : float32Tensor;
  return Object.entries(weights)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, weight]) => {
      if (weight.rank !== 4) return [key, encode(weight.dataSync<'float32'>(), weight.shape)];
      const kernel = tf.transpose(weight, TO_FILE);
      const stored = encode(kernel.dataSync<'float32'>(), kernel.shape);
      kernel.dispose();
      return [key, stored];
    });
}
