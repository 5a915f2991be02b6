import { checkGroups, checkRewards, mapValid, validOfRow } from './rewards';
import type { RewardMask, Rewards } from './rewards';

/**
 * Pairs for methods that learn from preferences: 1 at the best of each prompt, −1 at its worst, 0 elsewhere. A prompt whose
 * valid rewards are all equal has no pair.
 *
 * @param rewards `[prompts, k]`, k ≥ 2
 * @param mask `[prompts, k]`, false for missing rewards
 * @returns `[prompts, k]`, each row sums to 0; of equal rewards the first is taken
 * @throws RangeError when k < 2, shapes differ or a reward is not finite
 */
export function bestAndWorst(rewards: Rewards, mask?: RewardMask): number[][] {
  const valid = checkRewards(rewards, mask);
  checkGroups(rewards, 'bestAndWorst');
  const pairs = rewards.map((row, prompt) => {
    const values = validOfRow(row, valid[prompt]);
    const firstOf = (reward: number) =>
      row.findIndex((value, sample) => valid[prompt]?.[sample] === true && value === reward);
    return { best: firstOf(Math.max(...values)), worst: firstOf(Math.min(...values)) };
  });
  return mapValid(rewards, valid, (_, prompt, sample) => {
    const { best, worst } = pairs[prompt]!;
    if (best === worst) return 0;
    return sample === best ? 1 : sample === worst ? -1 : 0;
  });
}
