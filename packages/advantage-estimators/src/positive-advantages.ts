import { chooseBest } from './chosen';
import type { Chosen } from './chosen';
import { leaveOneOut } from './leave-one-out';
import { checkGroups, checkRewards, mapValid } from './rewards';
import type { RewardMask, Rewards } from './rewards';

export interface PositiveAdvantagesOptions {
  /** How many of the best of each prompt count; QVPO's code has 1. */
  readonly chosen: Chosen;
}

/**
 * QVPO's weights `qadv` (arXiv 2405.16173, form from its code): max(A, 0) of the best of each prompt, 0 of all others. Here A is
 * the leave-one-out advantage, k/(k−1) times the distance from the prompt's mean. As weights of a loss to minimise all samples
 * attract and none repels; equal rewards have no weight.
 *
 * A group with fewer than two valid rewards gets 0, see `advantageMask`.
 *
 * @param rewards `[prompts, k]`, k ≥ 2
 * @param mask `[prompts, k]`, false for missing rewards
 * @returns `[prompts, k]`, ≥ 0; of equal rewards the first are chosen
 * @throws RangeError when k < 2, shapes differ, a reward is not finite or `chosen` is no whole number of at least 1
 */
export function positiveAdvantages(
  rewards: Rewards,
  { chosen }: PositiveAdvantagesOptions,
  mask?: RewardMask,
): number[][] {
  const valid = checkRewards(rewards, mask);
  checkGroups(rewards, 'positiveAdvantages');
  const advantages = leaveOneOut(rewards, valid);
  const best = chooseBest(rewards, valid, chosen);
  return mapValid(advantages, best, (advantage) => Math.max(advantage, 0));
}
