import type { SafetensorsFile, SafetensorsTensor } from '@loop-diffusion/safetensors';
import { float16Tensor, float32Tensor, toFloat32Array } from '@loop-diffusion/safetensors';
import * as tf from '@tensorflow/tfjs-core';
import { firstNonFinite, firstNonFiniteHalf } from './finite-values';
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
 * Keeps the numbers of a weight in less memory, such as `storeAsBfloat16` of `@loop-diffusion/native-tensorflow`. The result
 * has the weight's shape and type; the weight itself is disposed of. Undefined where it is to stay as it is.
 */
export type StoreWeight = (weight: tf.Tensor, key: string) => tf.Tensor | undefined;

/**
 * The tensors of a checkpoint as float32, convolution kernels turned from `[out, in, h, w]` to
 * `[h, w, in, out]`. The caller owns and disposes them.
 *
 * @param name of the file, for messages
 * @throws Error that names a tensor with NaN or infinity; nothing is kept then
 */
export function weightsFromSafetensors(
  file: SafetensorsFile,
  name = 'The checkpoint',
): Record<string, tf.Tensor> {
  const weights: Record<string, tf.Tensor> = {};
  try {
    for (const [key, stored] of file.tensors) {
      if (!IGNORED_KEY.test(key)) weights[key] = weightFromFile(name, key, stored);
    }
  } catch (error) {
    tf.dispose(weights);
    throw error;
  }
  return weights;
}

/**
 * The same from tensors that come one by one, so that no more than one of them is in memory twice.
 *
 * @param name of the file, for messages
 * @throws what the source throws, and as {@link weightsFromSafetensors} does; nothing is kept then
 */
export async function weightsFromStream(
  tensors: AsyncIterable<readonly [string, SafetensorsTensor]>,
  widen?: WidenHalves,
  name = 'The checkpoint',
  store?: StoreWeight,
): Promise<Record<string, tf.Tensor>> {
  const weights: Record<string, tf.Tensor> = {};
  try {
    for await (const [key, stored] of tensors) {
      if (IGNORED_KEY.test(key)) continue;
      const weight = weightFromFile(name, key, stored, widen);
      weights[key] = weight;
      const kept = store?.(weight, key);
      if (kept === undefined) continue;
      weight.dispose();
      weights[key] = kept;
    }
  } catch (error) {
    tf.dispose(weights);
    throw error;
  }
  return weights;
}

function weightFromFile(
  name: string,
  key: string,
  stored: SafetensorsTensor,
  widen?: WidenHalves,
): tf.Tensor {
  const weight = widened(stored, widen);
  if (typeof weight === 'number') {
    throw new Error(
      `${name} holds ${weight} in ${JSON.stringify(key)}, and so would every image. Fetch it again, or save it with another precision.`,
    );
  }
  if (weight.rank !== 4) return weight;
  const kernel = tf.transpose(weight, FROM_FILE);
  weight.dispose();
  return kernel;
}

/** @returns the tensor as float32, in the file's order; or the first of its values that is not finite */
function widened(stored: SafetensorsTensor, widen?: WidenHalves): tf.Tensor | number {
  const { dtype, shape, bytes } = stored;
  if (dtype === 'F16' || dtype === 'BF16') {
    const tensor = firstNonFiniteHalf(stored) ?? widen?.(bytes, dtype, shape);
    if (tensor !== undefined) return tensor;
  }
  const values = toFloat32Array(stored);
  return firstNonFinite(values) ?? weightTensor(values, shape);
}

/**
 * The inverse of {@link weightsFromSafetensors}: entries for a safetensors file, sorted by key.
 *
 * @throws Error that names a weight with NaN or infinity, or with a value that float16 does not reach
 */
export function weightsToSafetensors(
  weights: Weights,
  dtype: 'F32' | 'F16' = 'F32',
): [string, SafetensorsTensor][] {
  return Object.entries(weights)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, weight]) => {
      if (weight.rank !== 4) return [key, encoded(key, weight, dtype)];
      const kernel = tf.transpose(weight, TO_FILE);
      try {
        return [key, encoded(key, kernel, dtype)];
      } finally {
        kernel.dispose();
      }
    });
}

function encoded(key: string, weight: tf.Tensor, dtype: 'F32' | 'F16'): SafetensorsTensor {
  const values = weight.dataSync<'float32'>();
  const found = firstNonFinite(values);
  if (found !== undefined) {
    throw new Error(
      `The weight ${JSON.stringify(key)} holds ${found}: a model with it draws nothing, and is not written.`,
    );
  }
  if (dtype === 'F32') return float32Tensor(values, weight.shape);
  const half = float16Tensor(values, weight.shape);
  if (firstNonFiniteHalf(half) === undefined) return half;
  const large = values.find((value) => Math.abs(value) >= FLOAT16_OVERFLOW);
  throw new Error(
    `The weight ${JSON.stringify(key)} holds ${large ?? NaN}, which float16 does not reach (65504 at most). Write float32.`,
  );
}

/** From here on float16 is infinity: half way between its largest number and the one that would come next. */
const FLOAT16_OVERFLOW = 65_520;
