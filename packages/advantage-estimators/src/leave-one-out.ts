import { mean } from './moments';
import { checkGroups, checkRewards, mapValid, validOfRow } from './rewards';
import type { RewardMask, Rewards } from './rewards';

/**
 * Leave-one-out advantages (Kool et al. 2019; RLOO, arXiv 2402.14740): each reward minus the mean of the prompt's other
 * rewards, an unbiased baseline.
 *
 * A_i = r_i − Σ_{j≠i} r_j / (k − 1) = k/(k−1) · (r_i − r̄)
 *
 * With a mask, k counts the valid samples. A group with fewer than two carries nothing: its advantages are 0, and
 * `advantageMask` reports it.
 *
 * @param rewards `[prompts, k]`, k ≥ 2
 * @param mask `[prompts, k]`, false for missing rewards
 * @returns `[prompts, k]`, each row sums to 0
 * @throws RangeError when k < 2, shapes differ or a reward is not finite
 */
export function leaveOneOut(rewards: Rewards, mask?: RewardMask): number[][] {
  const valid = checkRewards(rewards, mask);
  checkGroups(rewards, 'leaveOneOut', 'batchZScore or createPerPromptStatistics');
  const groups = rewards.map((row, prompt) => {
    const values = validOfRow(row, valid[prompt]);
    return { count: values.length, centre: mean(values) };
  });
  return mapValid(rewards, valid, (reward, prompt) => {
    const { count = 0, centre = 0 } = groups[prompt] ?? {};
    // The form with the mean rather than the sum of the others: equal rewards give exactly 0.
    return count < 2 ? 0 : (count / (count - 1)) * (reward - centre);
  });
}
