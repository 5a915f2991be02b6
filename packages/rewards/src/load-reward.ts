/** Rewards as configuration files and command lines name them. */
import { cwd } from 'node:process';

import { createReward, rewardNames } from './create-reward';
import { loadExport } from './load-export';
import type { Reward } from './reward';
import { rewardOfExport } from './reward-of-export';

/** Makes a reward of its settings; one without parameters takes none. */
export type RewardFactory = (
  settings: Readonly<Record<string, unknown>>,
) => Reward | Promise<Reward>;

export interface LoadRewardOptions {
  /** Where paths begin and packages are looked for; the working directory when left out. */
  readonly folder?: string | undefined;
  /** Rewards that have names besides those that {@link createReward} knows. */
  readonly factories?: Readonly<Record<string, RewardFactory>> | undefined;
}

/**
 * A reward by its name, or by the place of its code: `./file.mjs#export`, `PACKAGE#export`, or without `#export` the
 * default export. The export is
 * - a {@link Reward}, such as `defineReward` makes, or
 * - a function that scores, `({ images, prompts }) => numbers` or `(images, prompts) => numbers`, or
 * - a function of the settings that returns a reward or a promise of one. It has at most one parameter, and reads no
 *   setting named `images`, `prompts`, `length` or `map` that may be left out: what reads these scores.
 *
 * @throws {Error} when there is none, or what is there is none
 */
export async function loadReward(
  name: string,
  settings: Readonly<Record<string, unknown>> = {},
  { folder = cwd(), factories = {} }: LoadRewardOptions = {},
): Promise<Reward> {
  if (Object.hasOwn(factories, name)) {
    const factory = factories[name]!;
    if (factory.length === 0 && Object.keys(settings).length > 0) {
      throw new Error(`Reward "${name}" takes no settings.`);
    }
    return factory(settings);
  }
  // A bare word is a misspelt name rather than a package.
  const isPlace = /[#/.@\\]/.test(name);
  if (!isPlace || (await rewardNames()).includes(name)) {
    return createReward(name, settings, Object.keys(factories));
  }
  try {
    const { found, ownName } = await loadExport(name, folder);
    return await rewardOfExport(found, ownName, settings);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Error(`Reward "${name}" cannot be loaded: ${why}.`.replace(/\.\.$/, '.'), {
      cause: error,
    });
  }
}
