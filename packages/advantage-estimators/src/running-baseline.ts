import { checkDecay } from './check-decay';
import { mean } from './moments';
import { checkRewards, mapValid, validRewards } from './rewards';
import type { RewardMask, Rewards } from './rewards';

export interface RunningBaselineOptions {
  /** Share of the old baseline kept at each batch, 0 ≤ decay < 1. */
  readonly decay: number;
  /** Baseline of the first batch; its own mean when left out. */
  readonly initial?: number | undefined;
}

/** What a checkpoint keeps. */
export interface RunningBaselineState {
  readonly baseline: number | null;
}

/** An exponential moving average of the mean reward, subtracted from every reward. */
export interface RunningBaseline {
  /** The baseline that the next batch will see, null before the first. */
  readonly baseline: number | null;
  /**
   * @param rewards `[prompts, k]`
   * @param mask `[prompts, k]`, false for missing rewards: advantage 0, and no part in the average
   * @returns `[prompts, k]`
   * @throws RangeError when shapes differ or a reward is not finite
   */
  advantages(rewards: Rewards, mask?: RewardMask): number[][];
  toJSON(): RunningBaselineState;
}

/**
 * Makes a running baseline (Williams 1992). Each batch is compared with the average of those before it, so the baseline does
 * not depend on the samples it is subtracted from and the gradient stays unbiased; only a first batch without `initial` is
 * compared with itself.
 *
 * @param state from `toJSON` of the one to go on with
 */
export function createRunningBaseline(
  { decay, initial }: RunningBaselineOptions,
  state?: RunningBaselineState,
): RunningBaseline {
  checkDecay(decay);
  let baseline = state === undefined ? (initial ?? null) : state.baseline;
  if (baseline !== null && !Number.isFinite(baseline)) {
    throw new RangeError(`The baseline must be a finite number, got ${baseline}.`);
  }
  return {
    get baseline() {
      return baseline;
    },
    advantages(rewards, mask) {
      const valid = checkRewards(rewards, mask);
      const values = validRewards(rewards, valid);
      if (values.length === 0) return mapValid(rewards, valid, () => 0);
      const batchMean = mean(values);
      const used = baseline ?? batchMean;
      baseline = decay * used + (1 - decay) * batchMean;
      return mapValid(rewards, valid, (reward) => reward - used);
    },
    toJSON: () => ({ baseline }),
  };
}
