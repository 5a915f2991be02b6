import type { SafetensorsFile, SafetensorsTensor } from '@loop-diffusion/safetensors';
import { float16Tensor, float32Tensor, toFloat32Array } from '@loop-diffusion/safetensors';
import type * as tf from '@tensorflow/tfjs-core';
import type { Weights } from './types';
import { weightTensor } from './weight-tensor';

/** Old CLIP checkpoints store the positions 0 … 76 as integers; nothing needs them. */
const IGNORED_KEY = /(^|\.)position_ids$/;

/**
 * The tensors of a checkpoint as float32, convolution kernels turned from `[out, in, h, w]` to
 * `[h, w, in, out]`. The caller owns and disposes them.
 */
export function weightsFromSafetensors(file: SafetensorsFile): Record<string, tf.Tensor> {
  const weights: Record<string, tf.Tensor> = {};
  for (const [key, stored] of file.tensors) {
    if (IGNORED_KEY.test(key)) continue;
    const values = toFloat32Array(stored);
    weights[key] =
      stored.shape.length === 4
        ? weightTensor(
            transposed(values, stored.shape, [2, 3, 1, 0]),
            [2, 3, 1, 0].map((axis) => dimension(stored.shape, axis)),
          )
        : weightTensor(values, stored.shape);
  }
  return weights;
}

/** The inverse of {@link weightsFromSafetensors}: entries for a safetensors file, sorted by key. */
export function weightsToSafetensors(
  weights: Weights,
  dtype: 'F32' | 'F16' = 'F32',
): [string, SafetensorsTensor][] {
  const encode = dtype === 'F16' ? float16Tensor : float32Tensor;
  return Object.entries(weights)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, tensor]) => {
      const values = tensor.dataSync<'float32'>();
      if (tensor.rank !== 4) return [key, encode(values, tensor.shape)];
      const shape = [3, 2, 0, 1].map((axis) => dimension(tensor.shape, axis));
      return [key, encode(transposed(values, tensor.shape, [3, 2, 0, 1]), shape)];
    });
}

function dimension(shape: readonly number[], axis: number): number {
  const size = shape[axis];
  if (size === undefined) throw new RangeError(`shape [${shape.join(', ')}] has no axis ${axis}`);
  return size;
}

/** Rank-4 transpose on the host: files are read and written where no backend need be running. */
function transposed(
  values: Float32Array,
  shape: readonly number[],
  permutation: readonly [number, number, number, number],
): Float32Array {
  const strides = [0, 1, 2, 3].map((axis) =>
    shape.slice(axis + 1).reduce((product, size) => product * size, 1),
  );
  const [n0, n1, n2, n3] = permutation.map((axis) => dimension(shape, axis)) as Four;
  const [s0, s1, s2, s3] = permutation.map((axis) => dimension(strides, axis)) as Four;
  const out = new Float32Array(values.length);
  let position = 0;
  for (let i0 = 0; i0 < n0; i0++) {
    for (let i1 = 0; i1 < n1; i1++) {
      for (let i2 = 0; i2 < n2; i2++) {
        let source = i0 * s0 + i1 * s1 + i2 * s2;
        for (let i3 = 0; i3 < n3; i3++, source += s3) out[position++] = values[source] as number;
      }
    }
  }
  return out;
}

type Four = [number, number, number, number];
