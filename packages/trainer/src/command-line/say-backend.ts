/** Which backend serves, said before the work begins. */
import type { Cluster, Precision } from '@loop-diffusion/native-tensorflow';

import { smallestBatch } from '../configuration/backend-options';
import type { BackendSetting, TrainConfig } from '../configuration/schema';
import { startBackend } from '../weights/start-backend';
import type { CommonFlags } from './context';

interface More {
  readonly precision?: Precision | undefined;
  /** Of which this process is a worker; it waits for the others. */
  readonly cluster?: Cluster | undefined;
  /** Ends that wait. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * @param rows of the smallest batch that the command works on
 * @throws NativeTensorflowError when the backend asked for by name cannot be had; ClusterError when a worker does not come; the
 *   signal's reason when it is aborted before they have come
 */
export async function sayBackend(
  backend: BackendSetting,
  rows: number,
  flags: CommonFlags,
  more: More = {},
): Promise<void> {
  await startBackend(backend, rows, { ...more, quiet: flags.quiet === true });
}

/** The same for a run, as its configuration says. */
export function sayBackendOfRun(
  config: TrainConfig,
  flags: CommonFlags,
  signal: AbortSignal,
  cluster?: Cluster,
): Promise<void> {
  const { backend, precision } = config;
  return sayBackend(backend, smallestBatch(config), flags, { precision, cluster, signal });
}
