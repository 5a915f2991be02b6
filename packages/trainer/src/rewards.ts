/** The rewards of a run, by name, and their weighted sum. */
import {
  jpegCompressibility,
  jpegIncompressibility,
  scoreAll,
  type Reward,
  type RewardBatch,
  type RewardResult,
} from '@loop-diffusion/rewards';
import { shapesReward } from '@loop-diffusion/shapes-benchmark';

import type { TrainConfig } from './configuration/schema';
import { UserError } from './user-error';

export interface WeightedReward {
  readonly reward: Reward;
  readonly weight: number;
}

export interface Scores {
  /** The weighted sum per image; NaN where a reward failed, which is never a score. */
  readonly total: number[];
  /** Mean of each reward over the images that it could score, by its name. */
  readonly components: Record<string, number>;
  /** Images that at least one reward failed on. */
  readonly failed: number;
  /** The first failure's message. */
  readonly failure?: string | undefined;
}

const REWARDS: Readonly<Record<string, () => Reward>> = {
  shapes: shapesReward,
  'jpeg-compressibility': jpegCompressibility,
  'jpeg-incompressibility': jpegIncompressibility,
};

export function createRewards(config: TrainConfig['rewards']): WeightedReward[] {
  return config.map(({ name, weight }) => ({ reward: createReward(name), weight }));
}

/** @throws UserError for a name that no reward has */
export function createReward(name: string): Reward {
  const create = Object.hasOwn(REWARDS, name) ? REWARDS[name] : undefined;
  if (create === undefined) {
    throw new UserError(
      `There is no reward "${name}". Known rewards: ${Object.keys(REWARDS).join(', ')}.`,
    );
  }
  return create();
}

/** Scores images as they come, while others are still being made. */
export interface Scoring {
  /** Begins with these; returns at once. */
  add(batch: RewardBatch): void;
  /** Of all images, in the order in which they were added, whatever the order in which scores arrived. */
  finish(): Promise<Scores>;
}

export function createScoring(rewards: readonly WeightedReward[]): Scoring {
  const batches: Promise<RewardResult[][]>[] = [];
  return {
    add(batch) {
      const results = Promise.all(rewards.map(({ reward }) => scoreAll(reward, batch)));
      // Looked at in the end, where it is thrown; until then it is nobody's unhandled failure.
      results.catch(() => undefined);
      batches.push(results);
    },
    async finish() {
      const done = await Promise.all(batches);
      const resultsOf = (index: number) => done.flatMap((batch) => batch[index] ?? []);
      return combine(
        rewards,
        rewards.map((_, index) => resultsOf(index)),
      );
    },
  };
}

/** Scores every image under every reward and adds them up by weight. */
export function scoreImages(
  rewards: readonly WeightedReward[],
  batch: RewardBatch,
): Promise<Scores> {
  const scoring = createScoring(rewards);
  scoring.add(batch);
  return scoring.finish();
}

/** @param results of each reward, one per image */
function combine(
  rewards: readonly WeightedReward[],
  results: readonly (readonly RewardResult[])[],
): Scores {
  const total = new Array<number>(results[0]?.length ?? 0).fill(0);
  const components: Record<string, number> = {};
  let failure: string | undefined;
  for (const [index, { reward, weight }] of rewards.entries()) {
    let sum = 0;
    let scored = 0;
    for (const [image, result] of (results[index] ?? []).entries()) {
      if (result.ok) {
        sum += result.value;
        scored += 1;
        total[image] = (total[image] ?? Number.NaN) + weight * result.value;
      } else {
        failure ??= `${reward.name}: ${result.message}`;
        total[image] = Number.NaN;
      }
    }
    components[reward.name] = sum / scored;
  }
  return { total, components, failed: total.filter(Number.isNaN).length, failure };
}
