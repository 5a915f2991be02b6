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
  return mapValid(rewards, checkRewards(rewards, mask), (reward) => reward);
}
