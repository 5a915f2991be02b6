import type { RewardFailure, RewardScore } from '../reward';
import { rewardFailure } from '../reward';

/** What all rewards on a neural model take. */
export interface NeuralRewardOptions {
  /**
   * The model's folder, or `hf:owner/name[@revision]`. Its layout is that of transformers.js, which the repository's
   * tools/reward-models write too.
   */
  readonly model: string;
  /** Read in the place of the model's own `reward.json`, for a model that has none. */
  readonly rewardFile?: string | undefined;
  /** Threads that one operation may take; as many as there are cores when left out. */
  readonly intraOpNumThreads?: number | undefined;
  /** Images that go through the model at once; 8 when left out. */
  readonly batchSize?: number | undefined;
}

export const DEFAULT_BATCH_SIZE = 8;

/** @throws {RangeError} when the number is no whole one of at least 1 */
export function batchSizeOf({ batchSize = DEFAULT_BATCH_SIZE }: NeuralRewardOptions): number {
  if (Number.isSafeInteger(batchSize) && batchSize >= 1) return batchSize;
  throw new RangeError(`batchSize is ${batchSize}; expected a whole number of at least 1`);
}

/** A score, or a failure where a model's numbers make none. */
export function finiteScore(
  value: number,
  components?: Readonly<Record<string, number>>,
): RewardScore | RewardFailure {
  if (!Number.isFinite(value)) {
    return rewardFailure('non-finite', `The model gave ${value}; expected a finite number.`);
  }
  return components === undefined ? { ok: true, value } : { ok: true, value, components };
}

/** What a reward's version is made of: its code's, its model's and its parameters'. */
export function versionOf(code: string, sha256: string, ...parameters: readonly unknown[]): string {
  return [code, sha256, ...parameters.map((parameter) => JSON.stringify(parameter))].join('-');
}
