/** What a run's rewards said about images, as numbers to learn from and to report. */
import {
  RequiredRewardError,
  type Combination,
  type FailureCount,
  type RewardResult,
  type TermScores,
} from '@loop-diffusion/rewards';

import { mean, withoutMissing } from '../statistics';
import { UserError } from '../user-error';
import type { WeightedReward } from './rewards';

/** What one of the rewards said that failed, and of how many images. */
export type RewardFailures = FailureCount & {
  /** Its name in the run. */
  readonly reward: string;
};

export interface Scores {
  /**
   * The weighted sum per image, to be compared with those of its group alone; NaN where it has no reward, which is never a
   * score.
   */
  readonly total: readonly number[];
  /** The same for every other use: NaN also where the sum lacks a reward that could be done without. */
  readonly absolute: readonly number[];
  /** What each reward gave, by its name: one per image, NaN where there is nothing. */
  readonly values: Readonly<Record<string, readonly number[]>>;
  /** Mean of each reward over the images that it could score, by its name. */
  readonly components: Record<string, number>;
  /** Images without a reward because one of the rewards failed. */
  readonly failed: number;
  /** Images without a reward because none applies to them. */
  readonly notApplicable: number;
  /** The largest fraction of images that one of the rewards failed on, those that are only watched left out. */
  readonly failureRate: number;
  /** The most frequent failures of each reward, at most three, those of rewards that are only watched last. */
  readonly failures: readonly RewardFailures[];
}

/**
 * @param results of each reward, one per image
 * @param groups which images are compared with each other
 * @throws UserError when a required reward failed
 */
export function readScores(
  rewards: readonly WeightedReward[],
  combination: Combination,
  results: readonly (readonly RewardResult[])[],
  groups: readonly number[],
): Scores {
  const { terms, ...sums } = combined(combination, results, groups);
  const counted = terms.filter((_, index) => rewards[index]?.weight !== 0);
  const watched = terms.filter((term) => !counted.includes(term));
  return {
    ...sums,
    values: Object.fromEntries(terms.map(({ name, values }) => [name, values])),
    components: Object.fromEntries(
      terms.map(({ name, values }) => [name, mean(withoutMissing(values))]),
    ),
    failureRate: Math.max(0, ...counted.map(({ failed }) => failed / groups.length)),
    failures: [counted, watched].flatMap((some) =>
      some.flatMap(failuresOf).sort((one, other) => other.count - one.count),
    ),
  };
}

function combined(
  combination: Combination,
  results: readonly (readonly RewardResult[])[],
  groups: readonly number[],
): ReturnType<Combination['combine']> {
  try {
    return combination.combine(results, groups);
  } catch (error) {
    if (error instanceof RequiredRewardError) throw new UserError(error.message, { cause: error });
    throw error;
  }
}

function failuresOf({ name, failures }: TermScores): RewardFailures[] {
  return failures.map((failure) => ({ reward: name, ...failure }));
}
