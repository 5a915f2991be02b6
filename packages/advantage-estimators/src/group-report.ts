import { checkRewards, validOfRow } from './rewards';
import type { RewardMask, Rewards } from './rewards';

/**
 * Where a group estimator has something to say: false for missing rewards and for whole groups with fewer than two valid
 * ones. Rows of training data where this is false can be left out, their gradient is 0.
 *
 * @param mask `[prompts, k]`, false for missing rewards
 * @returns `[prompts, k]`
 */
export function advantageMask(mask: RewardMask): boolean[][] {
  return mask.map((row) => {
    const comparable = row.filter(Boolean).length >= 2;
    return row.map((valid) => valid && comparable);
  });
}

export interface GroupReport {
  readonly groups: number;
  /** Groups with fewer than two valid rewards. */
  readonly maskedGroups: number;
  /** Other groups whose valid rewards are all equal: no gradient, their compute can be saved. */
  readonly zeroSpreadGroups: number;
  /** Rewards missing, over all groups. */
  readonly missingRewards: number;
}

/**
 * Counts the groups that carry no gradient.
 *
 * @param rewards `[prompts, k]`
 * @param mask `[prompts, k]`, false for missing rewards
 * @throws RangeError when shapes differ or a reward is not finite
 */
export function reportGroups(rewards: Rewards, mask?: RewardMask): GroupReport {
  const valid = checkRewards(rewards, mask);
  const rows = rewards.map((row, prompt) => validOfRow(row, valid[prompt]));
  return {
    groups: rows.length,
    maskedGroups: rows.filter((values) => values.length < 2).length,
    zeroSpreadGroups: rows.filter((values) => values.length >= 2 && new Set(values).size === 1)
      .length,
    missingRewards: valid.flat().filter((isValid) => !isValid).length,
  };
}
