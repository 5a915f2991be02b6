import { mean, populationStd } from './moments';
import { checkRewards, mapValid, validOfRow, validRewards } from './rewards';
import type { RewardMask, Rewards } from './rewards';

export interface PerPromptStatisticsOptions {
  /** Rewards remembered per prompt, ≥ 1; the oldest go first. DDPO uses 32. */
  readonly bufferSize: number;
  /** A prompt with fewer remembered rewards is measured against the whole batch, ≥ 1. DDPO uses 16. */
  readonly minCount: number;
}

/** What a checkpoint keeps: the remembered rewards of each prompt, oldest first. */
export interface PerPromptStatisticsState {
  readonly prompts: readonly (readonly [prompt: string, rewards: readonly number[]])[];
}

/** Running mean and standard deviation of each prompt's rewards. */
export interface PerPromptStatistics {
  /**
   * Remembers the batch, then standardises it.
   *
   * @param prompts text of each row, `[prompts]`; a text may come in several rows
   * @param rewards `[prompts, k]`
   * @param mask `[prompts, k]`, false for missing rewards: not remembered, advantage 0
   * @returns `[prompts, k]`
   * @throws RangeError when shapes differ or a reward is not finite
   */
  advantages(prompts: readonly string[], rewards: Rewards, mask?: RewardMask): number[][];
  /** Mean and standard deviation of what is remembered of a prompt, null for an unknown one. */
  statistics(prompt: string): { count: number; mean: number; std: number } | null;
  toJSON(): PerPromptStatisticsState;
}

/**
 * Makes DDPO's per-prompt statistics (arXiv 2305.13301, section 5): A = (r − mean) / (std + 1e-6) over the last `bufferSize`
 * rewards of the same prompt, the new ones included, population std. Prompts with fewer than `minCount` use the mean and std
 * of the batch.
 *
 * Prompts are told apart by their text: token ids cut off at the encoder's length would merge long ones.
 *
 * @param state from `toJSON` of the one to go on with
 * @throws RangeError when an option is not a whole number of at least 1
 */
export function createPerPromptStatistics(
  { bufferSize, minCount }: PerPromptStatisticsOptions,
  state?: PerPromptStatisticsState,
): PerPromptStatistics {
  for (const [name, value] of Object.entries({ bufferSize, minCount })) {
    if (!Number.isSafeInteger(value) || value < 1) {
      throw new RangeError(`${name} must be a whole number of at least 1, got ${value}.`);
    }
  }
  if (minCount > bufferSize) {
    throw new RangeError(
      `minCount ${minCount} is never reached with a bufferSize of ${bufferSize}. Make the buffer at least as large.`,
    );
  }
  const remembered = new Map<string, readonly number[]>();
  const remember = (prompt: string, rewards: readonly number[]) => {
    remembered.set(prompt, [...(remembered.get(prompt) ?? []), ...rewards].slice(-bufferSize));
  };
  for (const [prompt, rewards] of state?.prompts ?? []) {
    checkRewards([rewards]);
    remember(prompt, rewards);
  }
  return {
    advantages(prompts, rewards, mask) {
      const valid = checkRewards(rewards, mask);
      if (prompts.length !== rewards.length) {
        throw new RangeError(
          `${prompts.length} prompts were given for ${rewards.length} rows of rewards; each row needs its prompt's text.`,
        );
      }
      const batch = validRewards(rewards, valid);
      // All rows first: a prompt in two rows is measured against both in either.
      prompts.forEach((prompt, row) => {
        const values = validOfRow(rewards[row] ?? [], valid[row]);
        if (values.length > 0) remember(prompt, values);
      });
      const scales = prompts.map((prompt) => {
        const own = remembered.get(prompt) ?? [];
        const reference = own.length < minCount ? batch : own;
        return { centre: mean(reference), spread: populationStd(reference) + 1e-6 };
      });
      return mapValid(rewards, valid, (reward, row) => {
        const { centre, spread } = scales[row] ?? { centre: 0, spread: Infinity };
        return (reward - centre) / spread;
      });
    },
    statistics(prompt) {
      const rewards = remembered.get(prompt);
      return rewards === undefined
        ? null
        : { count: rewards.length, mean: mean(rewards), std: populationStd(rewards) };
    },
    toJSON: () => ({ prompts: [...remembered] }),
  };
}
