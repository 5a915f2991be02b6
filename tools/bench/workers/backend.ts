/** The backend of a worker, started as the trainer starts it. */
import { availableParallelism } from 'node:os';
import { useBestBackend, type Precision } from '@loop-diffusion/native-tensorflow';

import { backendOptions } from './trainer-internals';

export type WorkerBackend = 'tensorflow' | 'tensorflow-gpu' | 'wasm';

/**
 * @param rows of the batch that is worked on
 * @returns versions of what serves, for the report
 */
export async function startBackend(
  backend: WorkerBackend,
  rows: number,
  precision: Precision = 'float32',
): Promise<Record<string, string>> {
  const options = backendOptions(backend, rows, precision);
  const { version } = await useBestBackend({ ...options, quiet: true });
  return versionsWith(version);
}

/** @param backend its name and version in one, e.g. `TensorFlow 2.21.0` */
export function versionsWith(backend: string): Record<string, string> {
  return { Node: process.versions.node, backend, threads: String(availableParallelism()) };
}
