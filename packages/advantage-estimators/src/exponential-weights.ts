import { chooseBest } from './chosen';
import type { Chosen } from './chosen';
import { groupMean } from './group-mean';
import { advantageMask } from './group-report';
import { checkGroups, checkRewards, mapValid } from './rewards';
import type { RewardMask, Rewards } from './rewards';

/** As in QVPO's code. */
const LARGEST_SCORE = 8;

export interface ExponentialWeightsOptions {
  /** Factor on the scores, ≥ 0. */
  readonly beta: number;
  /** How many of the best of each prompt count; QVPO's code has 1. */
  readonly chosen: Chosen;
}

/**
 * QVPO's weights `qexpn` (arXiv 2405.16173, form from its code): exp(β · clip(z, ±8)) of the best of each prompt, 0 of all
 * others. There z is measured against running statistics, here it is the z-score within the prompt, by the population standard deviation
 * (derived). Unlike `positiveAdvantages` it gives equal rewards a weight, 1.
 *
 * A group with fewer than two valid rewards gets 0, see `advantageMask`.
 *
 * @param rewards `[prompts, k]`, k ≥ 2
 * @param mask `[prompts, k]`, false for missing rewards
 * @returns `[prompts, k]`, ≥ 0; of equal rewards the first are chosen
 * @throws RangeError when k < 2, shapes differ, a reward is not finite, `beta` is negative or `chosen` no whole number of at
 *   least 1
 */
export function exponentialWeights(
  rewards: Rewards,
  { beta, chosen }: ExponentialWeightsOptions,
  mask?: RewardMask,
): number[][] {
  const valid = checkRewards(rewards, mask);
  checkGroups(rewards, 'exponentialWeights');
  if (!(beta >= 0 && Number.isFinite(beta))) {
    throw new RangeError(`beta must be a number of at least 0, got ${beta}.`);
  }
  const scores = groupMean(rewards, { std: 'population', epsilon: 0 }, valid);
  const best = chooseBest(rewards, advantageMask(valid), chosen);
  return mapValid(scores, best, (score) =>
    Math.exp(beta * Math.min(Math.max(score, -LARGEST_SCORE), LARGEST_SCORE)),
  );
}
