/** Rewards by name, as configuration files and command lines ask for them. */
import { closest, distance } from 'fastest-levenshtein';
import { z } from 'zod';

import { jpegCompressibility, jpegIncompressibility } from './jpeg';
import type { Reward } from './reward';

/** How a reward is made from settings that come from outside. */
interface Recipe {
  readonly settings: z.ZodType;
  create(settings: unknown): Reward | Promise<Reward>;
}

function recipe<Settings extends z.ZodType>(
  settings: Settings,
  create: (settings: z.output<Settings>) => Reward | Promise<Reward>,
): Recipe {
  return { settings, create: (input) => create(settings.parse(input)) };
}

const none = z.strictObject({});

const RECIPES: Readonly<Record<string, Recipe>> = {
  'jpeg-compressibility': recipe(none, jpegCompressibility),
  'jpeg-incompressibility': recipe(none, jpegIncompressibility),
};

/** Names that {@link createReward} knows. */
export function rewardNames(): string[] {
  return Object.keys(RECIPES);
}

/**
 * Makes a reward by its name.
 *
 * @param settings what the reward's own function takes, from a file or a command line: checked here
 * @param others names that the caller knows besides, for the message
 * @throws {Error} naming what there is for a name that no reward has, a setting that the reward does not take or that is out of
 * range; and what the reward itself throws when it is opened
 */
export async function createReward(
  name: string,
  settings: Readonly<Record<string, unknown>> = {},
  others: readonly string[] = [],
): Promise<Reward> {
  const known = Object.hasOwn(RECIPES, name) ? RECIPES[name] : undefined;
  if (known === undefined) {
    const names = [...others, ...rewardNames()];
    throw new Error(
      `There is no reward "${name}"${didYouMean(name, names)}. Known rewards: ${names.join(', ')}.`,
    );
  }
  const parsed = known.settings.safeParse(settings);
  if (!parsed.success) {
    const keys = settingNames(known.settings);
    const problems = parsed.error.issues.map((issue) => describe(issue, keys));
    throw new Error(`Reward "${name}": ${problems.join('; ')}.`);
  }
  return known.create(settings);
}

function settingNames(settings: z.ZodType): string[] {
  return settings instanceof z.ZodObject ? Object.keys(settings.shape) : [];
}

function describe(issue: z.core.$ZodIssue, keys: readonly string[]): string {
  if (issue.code === 'unrecognized_keys') {
    const [key = ''] = issue.keys;
    const possible = keys.length > 0 ? `it takes ${keys.join(', ')}` : 'it takes none';
    return `there is no setting "${key}"${didYouMean(key, keys)}; ${possible}`;
  }
  return `setting "${issue.path.join('.')}": ${issue.message.charAt(0).toLowerCase()}${issue.message.slice(1)}`;
}

/** A third of its letters, and at least two, may be mistaken. */
function didYouMean(name: string, candidates: readonly string[]): string {
  if (candidates.length === 0) return '';
  const nearest = closest(name, candidates);
  const allowed = Math.max(2, Math.floor(name.length / 3));
  return distance(name, nearest) <= allowed ? ` (did you mean "${nearest}"?)` : '';
}
