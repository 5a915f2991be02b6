import type { RewardMask, Rewards } from './rewards';

/** How many of the best of each prompt count: a whole number ≥ 1 (more than there are is all), or `all`. */
export type Chosen = number | 'all';

/**
 * The best of each prompt, the first of equals.
 *
 * @param mask `[prompts, k]`, false for rewards that do not count
 * @returns `[prompts, k]`
 * @throws RangeError when `chosen` is no whole number of at least 1
 */
export function chooseBest(rewards: Rewards, mask: RewardMask, chosen: Chosen): RewardMask {
  if (chosen === 'all') return mask;
  if (!(Number.isSafeInteger(chosen) && chosen >= 1)) {
    throw new RangeError(`chosen must be a whole number of at least 1, or 'all', got ${chosen}.`);
  }
  return rewards.map((row, prompt) => {
    const best = row
      .map((reward, sample) => ({ reward, sample }))
      .filter(({ sample }) => mask[prompt]?.[sample] === true)
      .sort((one, other) => other.reward - one.reward)
      .slice(0, chosen);
    const samples = new Set(best.map(({ sample }) => sample));
    return row.map((_, sample) => samples.has(sample));
  });
}
