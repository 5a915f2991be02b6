/** Rewards as every estimator takes them, and the checks that all share. */

/** `[prompts, k]`: a row per prompt, its k samples side by side. */
export type Rewards = readonly (readonly number[])[];

/** `[prompts, k]`: false where a reward is missing. Left out, all are there. */
export type RewardMask = readonly (readonly boolean[])[];

/**
 * Checks shape and values; what stands in the masked places is never looked at.
 *
 * @returns the mask, complete
 * @throws RangeError when rows differ in length, the mask has another shape, or a reward that counts is not finite
 */
export function checkRewards(rewards: Rewards, mask?: RewardMask): RewardMask {
  const k = rewards[0]?.length ?? 0;
  if (k === 0) {
    throw new RangeError(
      `Rewards must be [prompts, k] with at least one prompt and one sample, got [${rewards.length}, ${k}].`,
    );
  }
  if (mask !== undefined && mask.length !== rewards.length) {
    throw new RangeError(
      `Rewards have ${rewards.length} rows and their mask ${mask.length}; both must be [prompts, k].`,
    );
  }
  return rewards.map((row, prompt) => {
    if (row.length !== k) {
      throw new RangeError(
        `Row ${prompt} of the rewards has ${row.length} entries, row 0 has ${k}. Mask missing rewards instead.`,
      );
    }
    const rowMask = mask?.[prompt] ?? row.map(() => true);
    if (rowMask.length !== k) {
      throw new RangeError(
        `Row ${prompt} of the mask has ${rowMask.length} entries, expected ${k} as in the rewards.`,
      );
    }
    row.forEach((reward, sample) => {
      if (rowMask[sample] === true && !Number.isFinite(reward)) {
        throw new RangeError(
          `The reward of prompt ${prompt}, sample ${sample} is ${reward}. Mask a failed reward, do not score it.`,
        );
      }
    });
    return rowMask;
  });
}

/**
 * @param instead what does with one sample per prompt
 * @throws RangeError when a group cannot be compared within itself
 */
export function checkGroups(rewards: Rewards, estimator: string, instead?: string): void {
  const k = rewards[0]?.length ?? 0;
  if (k < 2) {
    throw new RangeError(
      `${estimator} compares the samples of a prompt with each other and needs k of at least 2, got ${k}. Draw more ` +
        `samples per prompt${instead === undefined ? '' : `, or use ${instead}`}.`,
    );
  }
}

/** The rewards that count, in one list. */
export function validRewards(rewards: Rewards, mask: RewardMask): number[] {
  return rewards.flatMap((row, prompt) => validOfRow(row, mask[prompt]));
}

/** The rewards of one row that count. */
export function validOfRow(
  row: readonly number[],
  rowMask: readonly boolean[] | undefined,
): number[] {
  return row.filter((_, sample) => rowMask?.[sample] === true);
}

/** Applies `advantage` to the rewards that count; 0 elsewhere. */
export function mapValid(
  rewards: Rewards,
  mask: RewardMask,
  advantage: (reward: number, prompt: number, sample: number) => number,
): number[][] {
  return rewards.map((row, prompt) =>
    row.map((reward, sample) =>
      mask[prompt]?.[sample] === true ? advantage(reward, prompt, sample) : 0,
    ),
  );
}
