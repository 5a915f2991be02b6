import { checkRewards, mapValid } from './rewards';
import type { RewardMask, Rewards } from './rewards';

/**
 * The rewards themselves as advantages: plain REINFORCE (Williams 1992). Unbiased, with the most variance.
 *
 * @param rewards `[prompts, k]`
 * @param mask `[prompts, k]`, false for missing rewards: advantage 0
 * @returns `[prompts, k]`
 * @throws RangeError when shapes differ or a reward is not finite
 */
export function noBaseline(rewards: Rewards, mask?: RewardMask): number[][] {
  return fixedBaseline(rewards, 0, mask);
}

/**
 * r − b with a number known beforehand, such as the reward of the base model. Unbiased.
 *
 * @param rewards `[prompts, k]`
 * @param baseline b, finite
 * @param mask `[prompts, k]`, false for missing rewards: advantage 0
 * @returns `[prompts, k]`
 * @throws RangeError when shapes differ, or a reward or the baseline is not finite
 */
export function fixedBaseline(rewards: Rewards, baseline: number, mask?: RewardMask): number[][] {
  const valid = checkRewards(rewards, mask);
  if (!Number.isFinite(baseline)) {
    throw new RangeError(`The baseline must be a finite number, got ${baseline}.`);
  }
  return mapValid(rewards, valid, (reward) => reward - baseline);
}
