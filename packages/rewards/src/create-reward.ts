/** Rewards by name, as configuration files and command lines ask for them. */
import { closest, distance } from 'fastest-levenshtein';
import type { z } from 'zod';

import type { Reward } from './reward';

/** What it takes to check settings is loaded only where there are any. */
const loadRecipes = async () => (await import('./reward-recipes')).REWARD_RECIPES;

/** Names that {@link createReward} knows. */
export async function rewardNames(): Promise<string[]> {
  return Object.keys(await loadRecipes());
}

/** The settings of each of these names as a JSON Schema (draft 7), for editors and other programs. */
export async function rewardSettingsSchemas(): Promise<Record<string, object>> {
  const [recipes, { z }] = await Promise.all([loadRecipes(), import('zod')]);
  return Object.fromEntries(
    Object.entries(recipes).map(([name, { settings }]) => {
      const schema = { ...z.toJSONSchema(settings, { target: 'draft-07', io: 'input' }) };
      Reflect.deleteProperty(schema, '$schema');
      return [name, schema];
    }),
  );
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
  const recipes = await loadRecipes();
  const known = Object.hasOwn(recipes, name) ? recipes[name] : undefined;
  if (known === undefined) {
    const names = [...others, ...Object.keys(recipes)];
    throw new Error(
      `There is no reward "${name}"${didYouMean(name, names)}. Known rewards: ${names.join(', ')}; ` +
        'one of your own is named by its file and export, as ./my-reward.mjs#score.',
    );
  }
  const parsed = known.settings.safeParse(settings);
  if (!parsed.success) {
    const keys = settingNames(known.settings);
    const problems = parsed.error.issues.map((issue) => describe(issue, keys, settings));
    throw new Error(`Reward "${name}": ${problems.join('; ')}.`);
  }
  return known.create(parsed.data);
}

function settingNames(settings: z.ZodType): string[] {
  return 'shape' in settings ? Object.keys(settings.shape as object) : [];
}

function describe(
  issue: z.core.$ZodIssue,
  keys: readonly string[],
  settings: Readonly<Record<string, unknown>>,
): string {
  if (issue.code === 'unrecognized_keys') {
    const [key = ''] = issue.keys;
    const possible = keys.length > 0 ? `it takes ${keys.join(', ')}` : 'it takes none';
    return `there is no setting "${key}"${didYouMean(key, keys)}; ${possible}`;
  }
  const [key] = issue.path;
  if (issue.path.length === 1 && settings[String(key)] === undefined) {
    return `it needs the setting "${String(key)}"`;
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
