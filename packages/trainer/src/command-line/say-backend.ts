/** Which backend serves, said before the work begins. */
import type { Cluster } from '@loop-diffusion/native-tensorflow';

import { smallestBatch } from '../configuration/backend-options';
import type { BackendSetting, TrainConfig } from '../configuration/schema';
import { startBackend } from '../weights/start-backend';
import type { CommonFlags } from './context';

/**
 * @param rows of the smallest batch that the command works on
 * @throws NativeTensorflowError when the backend asked for by name cannot be had
 */
export async function sayBackend(
  backend: BackendSetting,
  rows: number,
  flags: CommonFlags,
): Promise<void> {
  await startBackend(backend, rows, { quiet: flags.quiet === true });
}

/**
 * The backend that a run is to have.
 *
 * @param cluster of which this process is a worker; it waits for the others
 * @throws NativeTensorflowError when the backend asked for by name cannot be had; ClusterError when a worker does not come; the
 *   signal's reason when it is aborted before they have come
 */
export async function sayBackendOfRun(
  config: TrainConfig,
  flags: CommonFlags,
  signal: AbortSignal,
  cluster?: Cluster,
): Promise<void> {
  const { backend, precision } = config;
  const quiet = flags.quiet === true;
  try {
    await startBackend(backend, smallestBatch(config), { precision, cluster, signal, quiet });
  } finally {
    // The reason why there was no waiting for workers any more.
    signal.throwIfAborted();
  }
}
