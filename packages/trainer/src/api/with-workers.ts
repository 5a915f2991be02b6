import type { Cluster } from '@loop-diffusion/native-tensorflow';

import type { BackendSetting } from '../configuration/schema';
import { departFrom } from '../run/together';
import { startBackend } from '../weights/start-backend';
import { clusterWorkers } from '../workers/collective-exchange';
import type { Workers } from '../workers/workers';

interface Options {
  readonly backend: BackendSetting;
  readonly cluster?: Cluster | undefined;
  readonly workerPatience?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Starts the backend, and does the work together with the other workers of a cluster where there is one: to its end in all, or in
 * none.
 *
 * @param rows of the smallest batch that is worked on
 * @throws what the work throws; WorkerLeft where another worker failed; as `startBackend`
 */
export async function withWorkers<Result>(
  { backend, cluster, workerPatience, signal }: Options,
  rows: number,
  work: (workers: Workers) => Promise<Result>,
): Promise<Result> {
  await startBackend(backend, rows, { cluster, signal });
  const workers = clusterWorkers(cluster, workerPatience);
  try {
    const result = await work(workers);
    await workers.end();
    return result;
  } catch (error) {
    await departFrom(workers, signal, error);
    throw error;
  }
}
