/** The one place where the trainer chooses what computes. */
import {
  useBestBackend,
  type BackendChoice,
  type Cluster,
  type Precision,
} from '@loop-diffusion/native-tensorflow';

import { backendOptions } from '../configuration/backend-options';
import type { BackendSetting } from '../configuration/schema';

/**
 * @param rows of the smallest batch that is worked on
 * @param options.quiet do not say on standard error what serves, and what of this could not be had
 * @param options.cluster of which this process becomes a worker; it waits for the others
 * @param options.signal ends that wait
 * @throws NativeTensorflowError when the backend asked for by name cannot be had; ClusterError when a worker does not come; the
 *   signal's reason when it is aborted
 */
export async function startBackend(
  backend: BackendSetting,
  rows: number,
  {
    precision,
    cluster,
    signal,
    quiet = true,
  }: {
    precision?: Precision | undefined;
    cluster?: Cluster | undefined;
    signal?: AbortSignal | undefined;
    quiet?: boolean;
  } = {},
): Promise<BackendChoice> {
  try {
    return await useBestBackend({
      ...backendOptions(backend, rows, precision),
      ...{ cluster, signal, quiet },
    });
  } finally {
    // The reason why there was no waiting for workers any more.
    signal?.throwIfAborted();
  }
}
