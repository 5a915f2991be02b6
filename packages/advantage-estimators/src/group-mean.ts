import { mean, populationStd, unbiasedStd } from './moments';
import { checkOneOf } from './one-of';
import { checkGroups, checkRewards, mapValid, validOfRow, validRewards } from './rewards';
import type { RewardMask, Rewards } from './rewards';

const STD = ['none', 'population', 'unbiased', 'batch'] as const;

export interface GroupMeanOptions {
  /**
   * What the centred rewards are divided by: `none` nothing (Dr. GRPO, arXiv 2503.20783), `population` the group's standard
   * deviation as GRPO (arXiv 2402.03300), `unbiased` the same with k − 1, `batch` the population standard deviation of all
   * rewards of the batch as Flow-GRPO (arXiv 2505.05470). `none` when left out.
   */
  readonly std?: (typeof STD)[number] | undefined;
  /**
   * Added to the standard deviation, ≥ 0: 1e-4 for `population` and `batch`, 1e-8 for `unbiased` when left out, as in use.
   */
  readonly epsilon?: number | undefined;
}

/**
 * Group-relative advantages: r − mean of the prompt's rewards, divided by their spread if asked to. Dividing by the group's own
 * makes easy and hard prompts count alike and with k = 2 leaves only the sign; the batch's spread does neither.
 *
 * A group with fewer than two valid rewards gets 0, see `advantageMask`.
 *
 * @param rewards `[prompts, k]`, k ≥ 2
 * @param mask `[prompts, k]`, false for missing rewards
 * @returns `[prompts, k]`, each row sums to 0
 * @throws RangeError when k < 2, shapes differ, a reward is not finite, `epsilon` is negative or `std` none of these
 */
export function groupMean(
  rewards: Rewards,
  { std = 'none', epsilon = std === 'unbiased' ? 1e-8 : 1e-4 }: GroupMeanOptions = {},
  mask?: RewardMask,
): number[][] {
  const valid = checkRewards(rewards, mask);
  checkGroups(rewards, 'groupMean', 'batchZScore or createPerPromptStatistics');
  checkOneOf('std', std, STD);
  if (!(epsilon >= 0)) throw new RangeError(`epsilon must be at least 0, got ${epsilon}.`);
  const batchSpread = std === 'batch' ? populationStd(validRewards(rewards, valid)) + epsilon : NaN;
  const groups = rewards.map((row, prompt) => {
    const values = validOfRow(row, valid[prompt]);
    if (values.length < 2) return { centre: 0, spread: Infinity };
    switch (std) {
      case 'none':
        return { centre: mean(values), spread: 1 };
      case 'population':
        return { centre: mean(values), spread: populationStd(values) + epsilon };
      case 'unbiased':
        return { centre: mean(values), spread: unbiasedStd(values) + epsilon };
      case 'batch':
        return { centre: mean(values), spread: batchSpread };
    }
  });
  return mapValid(rewards, valid, (reward, prompt) => {
    const { centre, spread } = groups[prompt] ?? { centre: 0, spread: Infinity };
    // Equal rewards carry nothing, also where epsilon is 0.
    return reward === centre ? 0 : (reward - centre) / spread;
  });
}
