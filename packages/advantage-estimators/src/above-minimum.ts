import { checkGroups, checkRewards, mapValid, validOfRow } from './rewards';
import type { RewardMask, Rewards } from './rewards';

/**
 * Rewards that are not negative, as ILBO's lower bound (arXiv 2203.12679) asks for: r − the least of the prompt's valid rewards.
 * The worst gets 0, and so does a prompt of equal rewards.
 *
 * @param rewards `[prompts, k]`, k ≥ 2
 * @param mask `[prompts, k]`, false for missing rewards
 * @returns `[prompts, k]`, ≥ 0
 * @throws RangeError when k < 2, shapes differ or a reward is not finite
 */
export function aboveMinimum(rewards: Rewards, mask?: RewardMask): number[][] {
  const valid = checkRewards(rewards, mask);
  checkGroups(rewards, 'aboveMinimum', 'noBaseline where no reward is below 0');
  const least = rewards.map((row, prompt) => Math.min(...validOfRow(row, valid[prompt])));
  return mapValid(rewards, valid, (reward, prompt) => reward - least[prompt]!);
}
