/** The rewards of a run, opened by name. */
import { loadReward, type Reward, type RewardTerm } from '@loop-diffusion/rewards';
import { shapesReward } from '@loop-diffusion/shapes-benchmark';

import type { TrainConfig } from '../configuration/schema';
import { UserError } from '../user-error';
import { ALONE, shareOf, type Workers } from '../workers/workers';

/** A reward and its part in the sum, under the name that it has in logs. */
export interface WeightedReward extends RewardTerm {
  readonly reward: Reward;
}

/**
 * @param given rewards by the names that the configuration has for them; they are not disposed of here
 * @param workers that score together: a server gets as many calls at once from all of them as it would from one
 * @throws UserError for a name that no reward has, for settings that it does not take, or a reward that cannot be opened
 */
export async function createRewards(
  config: TrainConfig['rewards'],
  given?: ReadonlyMap<string, Reward>,
  workers: Pick<Workers, 'rank' | 'size'> = ALONE,
): Promise<WeightedReward[]> {
  const created: WeightedReward[] = [];
  try {
    for (const { name, label, settings, ...term } of config) {
      const ours = given?.get(name);
      const reward = ours
        ? lent(ours)
        : await createReward(name, ownCallsAtOnce(name, settings, workers));
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

/** Calls at once of the rewards that others compute, unless their settings say otherwise. */
const CALLS_AT_ONCE: Readonly<Record<string, number>> = { remote: 2, judge: 4 };

/**
 * @returns settings of the reward for one of the workers, with its part of the calls at once
 * @throws UserError where there are fewer of these than workers
 */
export function ownCallsAtOnce(
  name: string,
  settings: Readonly<Record<string, unknown>> | undefined,
  workers: Pick<Workers, 'rank' | 'size'>,
): Readonly<Record<string, unknown>> | undefined {
  const ofAll = Object.hasOwn(CALLS_AT_ONCE, name)
    ? (settings?.['concurrency'] ?? CALLS_AT_ONCE[name])
    : undefined;
  // What is no number is for the reward to refuse.
  if (workers.size === 1 || typeof ofAll !== 'number') return settings;
  if (ofAll < workers.size) {
    throw new UserError(
      `The reward ${name} takes ${String(ofAll)} calls at once, which ${String(workers.size)} workers cannot share; set its settings.concurrency to ${String(workers.size)} or more, or start fewer workers`,
    );
  }
  return { ...settings, concurrency: shareOf(workers, ofAll).count };
}

/** The same reward, which the run leaves as it is at its end. */
function lent(reward: Reward): Reward {
  return Object.create(reward, { dispose: { value: undefined } }) as Reward;
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
