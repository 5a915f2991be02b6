import { mean } from './moments';
import { checkRewards, mapValid, validRewards } from './rewards';
import type { RewardMask, Rewards } from './rewards';

export interface RunningScaleOptions {
  /** Share of the old scale kept at each batch, 0 ≤ decay < 1. */
  readonly decay: number;
}

/** What a checkpoint keeps. */
export interface RunningScaleState {
  /** Weighted sum of mean squares, and of the weights. */
  readonly total: number;
  readonly weight: number;
}

/** One scale for all advantages, followed over the run. */
export interface RunningScale {
  /** Root mean square of the advantages seen, null before the first batch. */
  readonly scale: number | null;
  /**
   * Takes the batch into the scale, then divides by it.
   *
   * @param advantages `[prompts, k]`, from any estimator
   * @param mask `[prompts, k]`, false where an advantage carries nothing (`advantageMask`)
   * @returns `[prompts, k]`; rows that summed to 0 still do
   * @throws RangeError when shapes differ or an advantage is not finite
   */
  normalize(advantages: Rewards, mask?: RewardMask): number[][];
  toJSON(): RunningScaleState;
}

/**
 * Makes advantages independent of the reward's unit, so that an advantage clip and a learning rate mean the same for every
 * reward: leave-one-out alone scales with it. The divisor is one number for the whole batch. A spread per group would give
 * prompts whose samples hardly differ as much weight as the others.
 *
 * @param state from `toJSON` of the one to go on with
 */
export function createRunningScale(
  { decay }: RunningScaleOptions,
  state: RunningScaleState = { total: 0, weight: 0 },
): RunningScale {
  if (!(decay >= 0 && decay < 1)) {
    throw new RangeError(`decay must be at least 0 and below 1 (0.9 is usual), got ${decay}.`);
  }
  let { total, weight } = state;
  if (!(total >= 0 && Number.isFinite(total) && weight >= 0 && Number.isFinite(weight))) {
    throw new RangeError(
      `The state of a running scale must be numbers of at least 0, got total ${total} and weight ${weight}.`,
    );
  }
  // Dividing by the weights undoes the pull towards the 0 it starts from.
  const scale = () => (weight === 0 ? null : Math.sqrt(total / weight));
  return {
    get scale() {
      return scale();
    },
    normalize(advantages, mask) {
      const valid = checkRewards(advantages, mask);
      const values = validRewards(advantages, valid);
      if (values.length > 0) {
        total = decay * total + (1 - decay) * mean(values.map((value) => value ** 2));
        weight = decay * weight + (1 - decay);
      }
      const divisor = (scale() ?? 0) + 1e-8;
      return mapValid(advantages, valid, (advantage) => advantage / divisor);
    },
    toJSON: () => ({ total, weight }),
  };
}
