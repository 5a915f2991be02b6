import { availableParallelism } from 'node:os';

import type { BackendOptions, Precision } from '@loop-diffusion/native-tensorflow';

import type { BackendSetting, TrainConfig } from './schema';

/**
 * How the backend is started for work on batches of so many rows: where there is a row for every core, the cores work on rows
 * of their own instead of sharing each operation.
 */
export function backendOptions(
  backend: BackendSetting,
  rows: number,
  precision?: Precision,
): BackendOptions {
  return {
    precision,
    backend: backend === 'auto' ? undefined : backend,
    threadsPerOperation: rows >= availableParallelism() ? 1 : undefined,
  };
}

/** Rows of the smallest of the batches that a run samples and learns with. */
export function smallestBatch({ batch, algorithm }: TrainConfig): number {
  return Math.min(batch.rollout, batch.update, batch.prompts * algorithm.k);
}
