import { availableParallelism } from 'node:os';
import * as tf from '@tensorflow/tfjs-core';
import { nativeBackendName } from './load';
import { sharedState } from './shared-state';

/** From this size on an image alone keeps all cores busy: each of the kernels of this package shares its work among them. */
const LARGE_IMAGE = 32 * 32;

/**
 * Into how many parts a compiled function had best cut a batch that it works on row by row. On a processor of several cores
 * TensorFlow runs independent parts of a graph side by side, each on a core of its own, which wastes far less of them than
 * cutting every single operation does; there it is the number of cores, on all other backends 1. It is 1 as well where the
 * kernels of this package work on large images: they cut their own work as well, and a weight is then read once for all rows.
 *
 * @param rows at least as many as parts
 * @param pixels of the image that is in a row, latents as they are; 0 where it is none
 */
export function parallelParts(rows: number, pixels = 0): number {
  if (tf.getBackend() !== nativeBackendName) return 1;
  const { binding } = tf.backend() as tf.KernelBackend & {
    readonly binding?: { isUsingGpuDevice(): boolean };
  };
  if (binding?.isUsingGpuDevice() !== false) return 1;
  const hasKernels = (sharedState().loaded?.kernels.choice.set ?? null) !== null;
  if (hasKernels && pixels >= LARGE_IMAGE) return 1;
  return Math.max(1, Math.min(availableParallelism(), rows));
}
