import { checkOneOf } from './one-of';
import { checkGroups, checkRewards, mapValid, validOfRow, validRewards } from './rewards';
import type { RewardMask, Rewards } from './rewards';

export interface SoftmaxWeightsOptions {
  /**
   * Factor on the rewards, ≥ 0; the field's name for it in RWR, though it multiplies. 0 weights all alike, the larger it is the
   * more the best have; DDPO's RWR has 0.2.
   */
  readonly temperature: number;
  /** Which rewards share their weight: those of a prompt, or all. */
  readonly over: 'prompt' | 'batch';
}

/**
 * Reward-weighted regression's weights (RWR, with which DDPO, arXiv 2305.13301, compares): n · softmax(temperature · r), so that
 * the n valid samples have a mean weight of 1. To be multiplied with a loss to minimise, such as a denoising error.
 *
 * Over prompts, a group with fewer than two valid rewards gets 0, see `advantageMask`.
 *
 * @param rewards `[prompts, k]`, over prompts with k ≥ 2
 * @param mask `[prompts, k]`, false for missing rewards
 * @returns `[prompts, k]`, ≥ 0
 * @throws RangeError when k < 2 over prompts, shapes differ, a reward is not finite, `temperature` is negative or `over` neither of these
 */
export function softmaxWeights(
  rewards: Rewards,
  { temperature, over }: SoftmaxWeightsOptions,
  mask?: RewardMask,
): number[][] {
  const valid = checkRewards(rewards, mask);
  if (!(temperature >= 0 && Number.isFinite(temperature))) {
    throw new RangeError(`temperature must be a number of at least 0, got ${temperature}.`);
  }
  checkOneOf('over', over, ['prompt', 'batch']);
  if (over === 'batch') {
    const weightOf = softmaxOf(validRewards(rewards, valid), temperature);
    return mapValid(rewards, valid, weightOf);
  }
  checkGroups(rewards, 'softmaxWeights', "over: 'batch'");
  const groups = rewards.map((row, prompt) => {
    const values = validOfRow(row, valid[prompt]);
    return values.length < 2 ? () => 0 : softmaxOf(values, temperature);
  });
  return mapValid(rewards, valid, (reward, prompt) => groups[prompt]?.(reward) ?? 0);
}

function softmaxOf(values: readonly number[], temperature: number): (reward: number) => number {
  const largest = values.reduce((most, value) => Math.max(most, value), -Infinity);
  // The exponents of all are at most 0, and one of them is.
  const exponential = (reward: number) => Math.exp(temperature * (reward - largest));
  const total = values.reduce((sum, value) => sum + exponential(value), 0);
  return (reward) => (values.length * exponential(reward)) / total;
}
