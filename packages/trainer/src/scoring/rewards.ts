/** The rewards of a run: by name, scored while images are still being made, and added up. */
import {
  averageQuality,
  createCombination,
  imageProblem,
  imageQuality,
  loadReward,
  RequiredRewardError,
  scoreAll,
  type Combination,
  type ImageQuality,
  type Reward,
  type RewardBatch,
  type RewardResult,
  type RewardTerm,
} from '@loop-diffusion/rewards';
import { shapesReward } from '@loop-diffusion/shapes-benchmark';

import type { TrainConfig } from '../configuration/schema';
import { mean } from '../statistics';
import { UserError } from '../user-error';

/** A reward and its part in the sum, under the name that it has in logs. */
export interface WeightedReward extends RewardTerm {
  readonly reward: Reward;
}

export interface Scores {
  /** The weighted sum per image; NaN where it has no reward, which is never a score. */
  readonly total: number[];
  /** What each reward gave, by its name: one per image, NaN where it failed. */
  readonly values: Readonly<Record<string, readonly number[]>>;
  /** Mean of each reward over the images that it could score, by its name. */
  readonly components: Record<string, number>;
  /** Images without a reward because one failed. */
  readonly failed: number;
  /** The largest fraction of images that one of the rewards failed on, those that are only watched left out. */
  readonly failureRate: number;
  /** The first failure's message. */
  readonly failure?: string | undefined;
}

/** @throws UserError for a name that no reward has, for settings that it does not take, or a reward that cannot be opened */
export async function createRewards(config: TrainConfig['rewards']): Promise<WeightedReward[]> {
  const created: WeightedReward[] = [];
  try {
    for (const { name, label, settings, ...term } of config) {
      const reward = await createReward(name, settings);
      created.push({ ...term, name: label ?? reward.name, reward });
    }
    const names = created.map((term) => term.name);
    const twice = names.find((name, index) => names.indexOf(name) !== index);
    if (twice !== undefined) {
      throw new UserError(`Two rewards are called "${twice}"; give one of them a label`);
    }
    return created;
  } catch (error) {
    await disposeRewards(created);
    throw error;
  }
}

/** @throws UserError as {@link createRewards} */
export async function createReward(
  name: string,
  settings: Readonly<Record<string, unknown>> = {},
): Promise<Reward> {
  try {
    return await loadReward(name, settings, { factories: { shapes: shapesReward } });
  } catch (error) {
    throw new UserError(error instanceof Error ? error.message : String(error), { cause: error });
  }
}

export async function disposeRewards(rewards: readonly WeightedReward[]): Promise<void> {
  await Promise.all(rewards.map(async ({ reward }) => reward.dispose?.()));
}

/** What held-out images are compared by: the values themselves, for a z-score of other images says nothing about these. */
export function withFixedScales(rewards: readonly WeightedReward[]): WeightedReward[] {
  return rewards.map((term) =>
    typeof term.scale === 'object' ? term : { ...term, scale: 'none' },
  );
}

/** Scores images as they come, while others are still being made. */
export interface Scoring {
  /** Begins with these; returns at once. */
  add(batch: RewardBatch): void;
  /**
   * Of all images, in the order in which they were added, whatever the order in which scores arrived.
   *
   * @param groups which images were made for one prompt
   * @throws UserError when a required reward failed
   */
  finish(groups: readonly number[]): Promise<Scores & { readonly quality: ImageQuality }>;
}

/** @param combination of these rewards */
export function createScoring(
  rewards: readonly WeightedReward[],
  combination: Combination,
  signal?: AbortSignal,
): Scoring {
  const batches: RewardBatch[] = [];
  const scored: Promise<RewardResult[][]>[] = [];
  const qualities: Promise<ImageQuality[]>[] = [];
  const isDueAtOnce = ({ reward }: WeightedReward) => reward.scope !== 'group';
  const score = (reward: Reward, batch: RewardBatch) => scoreAll(reward, batch, { signal });
  return {
    add(batch) {
      const results = Promise.all(
        rewards.map(async (term) => (isDueAtOnce(term) ? score(term.reward, batch) : [])),
      );
      // A picture that is none is the rewards' failure to report.
      const pictures = batch.images.filter((image) => imageProblem(image) === undefined);
      const quality = Promise.all(pictures.map(imageQuality));
      // Looked at in the end, where it is thrown; until then it is nobody's unhandled failure.
      results.catch(() => undefined);
      quality.catch(() => undefined);
      batches.push(batch);
      scored.push(results);
      qualities.push(quality);
    },
    async finish(groups) {
      const done = await Promise.all(scored);
      const all: RewardBatch = {
        images: batches.flatMap(({ images }) => images),
        prompts: batches.flatMap(({ prompts }) => prompts),
      };
      const results = await Promise.all(
        rewards.map(async (term, index) =>
          isDueAtOnce(term)
            ? done.flatMap((batch) => batch[index] ?? [])
            : score(term.reward, { ...all, groups }),
        ),
      );
      return {
        ...readScores(rewards, combination, results, groups),
        quality: averageQuality((await Promise.all(qualities)).flat()),
      };
    },
  };
}

/** Scores images that are all there, without what training needs to know besides. */
export async function scoreImages(
  rewards: readonly WeightedReward[],
  batch: RewardBatch,
): Promise<Scores> {
  const results = await Promise.all(rewards.map(({ reward }) => scoreAll(reward, batch)));
  return readScores(rewards, createCombination(rewards), results, batch.prompts);
}

function readScores(
  rewards: readonly WeightedReward[],
  combination: Combination,
  results: readonly RewardResult[][],
  groups: readonly (number | string)[],
): Scores {
  try {
    const { total, failed, terms } = combination.combine(results, groups);
    const counted = terms.filter((_, index) => rewards[index]?.weight !== 0);
    return {
      total,
      values: Object.fromEntries(terms.map(({ name, values }) => [name, values])),
      components: Object.fromEntries(
        terms.map(({ name, values }) => [
          name,
          mean(values.filter((value) => !Number.isNaN(value))),
        ]),
      ),
      failed,
      failureRate: Math.max(0, ...counted.map(({ failed }) => failed / total.length)),
      failure: terms.find(({ failed }) => failed > 0)?.failure,
    };
  } catch (error) {
    if (error instanceof RequiredRewardError) throw new UserError(error.message, { cause: error });
    throw error;
  }
}
