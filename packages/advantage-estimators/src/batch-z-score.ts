import { mean, populationStd } from './moments';
import { checkRewards, mapValid, validRewards } from './rewards';
import type { RewardMask, Rewards } from './rewards';

/**
 * The whole batch as one group, as TRL's DDPO does without per-prompt statistics: (r − mean) / (std + 1e-8), population std.
 *
 * @param rewards `[prompts, k]`
 * @param mask `[prompts, k]`, false for missing rewards: left out of the statistics, advantage 0
 * @returns `[prompts, k]`
 * @throws RangeError when shapes differ or a reward is not finite
 */
export function batchZScore(rewards: Rewards, mask?: RewardMask): number[][] {
  const valid = checkRewards(rewards, mask);
  const values = validRewards(rewards, valid);
  const centre = mean(values);
  const spread = populationStd(values) + 1e-8;
  return mapValid(rewards, valid, (reward) => (reward - centre) / spread);
}
