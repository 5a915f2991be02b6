/** The rewards of a run, by name, and their weighted sum. */
import {
  jpegCompressibility,
  jpegIncompressibility,
  scoreAll,
  type Reward,
  type RewardBatch,
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

/** Scores every image under every reward and adds them up by weight. */
export async function scoreImages(
  rewards: readonly WeightedReward[],
  batch: RewardBatch,
): Promise<Scores> {
  const total = new Array<number>(batch.images.length).fill(0);
  const components: Record<string, number> = {};
  let failure: string | undefined;
  for (const { reward, weight } of rewards) {
    const results = await scoreAll(reward, batch);
    let sum = 0;
    let scored = 0;
    for (const [index, result] of results.entries()) {
      if (result.ok) {
        sum += result.value;
        scored += 1;
        total[index] = (total[index] ?? Number.NaN) + weight * result.value;
      } else {
        failure ??= `${reward.name}: ${result.message}`;
        total[index] = Number.NaN;
      }
    }
    components[reward.name] = sum / scored;
  }
  return { total, components, failed: total.filter(Number.isNaN).length, failure };
}
