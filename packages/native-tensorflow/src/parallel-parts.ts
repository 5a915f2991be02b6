import { availableParallelism } from 'node:os';
import * as tf from '@tensorflow/tfjs-core';
import { nativeBackendName } from './load';

/**
 * Into how many parts a compiled function had best cut a batch that it works on row by row. On a processor of several cores
 * TensorFlow runs independent parts of a graph side by side, each on a core of its own, which wastes far less of them than
 * cutting every single operation does; there it is the number of cores, on all other backends 1.
 *
 * @param rows at least as many as parts
 */
export function parallelParts(rows: number): number {
  if (tf.getBackend() !== nativeBackendName) return 1;
  const { binding } = tf.backend() as tf.KernelBackend & {
    readonly binding?: { isUsingGpuDevice(): boolean };
  };
  if (binding?.isUsingGpuDevice() !== false) return 1;
  return Math.max(1, Math.min(availableParallelism(), rows));
}
