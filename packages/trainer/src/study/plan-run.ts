/** From a base and the keys that are set over it to a run. */
import { configDifferences } from '../comparison/config-differences';
import { applyOverrides, type PlainObject } from '../configuration/overrides';
import { readConfigFile } from '../configuration/read-config-file';
import { resolveConfig } from '../configuration/resolve-config';
import type { TrainConfig, TrainSettings } from '../configuration/schema';
import { UserError } from '../user-error';
import type { Budget, Keys } from './study-file';

/** A run of a study. */
export interface PlannedRun {
  readonly variant: string;
  readonly seed: number;
  /** An ordinary run's. */
  readonly folder: string;
  /** What it is given. */
  readonly settings: PlainObject;
  /** What follows from that. */
  readonly config: TrainConfig;
}

/** What a study does otherwise than a single run, where its base does not say. */
const STUDY_DEFAULTS: TrainSettings = {
  // A study that is killed loses the iteration under way, and its runs are many.
  checkpoint: { every: 1, keep: 1 },
  // Variants are compared at the guidance that they are trained at.
  evaluate: { guidances: [] },
  samples: { every: 0 },
  tracking: { tensorboard: false },
};

/** Of a model's own defaults. */
export type DefaultsOf = (model: string) => Promise<TrainSettings | undefined>;

/**
 * @param given `base` and `evaluation` of a study
 * @throws UserError when it is no configuration, or sets what the study itself does
 */
export async function readBase({
  base,
  evaluation,
}: {
  readonly base: Keys | string;
  readonly evaluation: Keys;
}): Promise<PlainObject> {
  const given = typeof base === 'string' ? await readConfigFile(base) : base;
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw new UserError(`The base must hold keys of a run's configuration`);
  }
  const keys = given as PlainObject;
  for (const key of ['seed', 'output']) {
    if (key in keys) throw new UserError(`The base sets ${key}, which the study itself does`);
  }
  const evaluate = { ...section(keys, 'evaluate'), ...evaluation };
  const result: PlainObject = { ...keys, evaluate };
  for (const [name, defaults] of Object.entries(STUDY_DEFAULTS)) {
    result[name] = { ...(defaults as object), ...section(result, name) };
  }
  return result;
}

function section(parent: PlainObject, name: string): PlainObject {
  const value = parent[name];
  return typeof value === 'object' && value !== null ? (value as PlainObject) : {};
}

export interface RunRequest {
  readonly base: PlainObject;
  /** Dotted keys, of which later ones override earlier ones. */
  readonly keys: readonly (readonly [string, unknown])[];
  /** For messages. */
  readonly name: string;
  readonly seed: number;
  readonly folder: string;
  readonly iterations?: number | undefined;
}

/** @throws UserError that names the variant whose configuration is wrong */
export async function planRun(request: RunRequest, defaultsOf: DefaultsOf): Promise<PlannedRun> {
  const { base, name, seed, folder, iterations } = request;
  const taken = request.keys.find(([key]) => key === 'seed' || key === 'output');
  if (taken !== undefined) {
    throw new UserError(`The variant '${name}' sets ${taken[0]}, which the study itself does`);
  }
  const keys = [...request.keys, ['seed', seed] as const, ['output', folder] as const];
  if (iterations !== undefined) keys.push(['iterations', iterations]);
  try {
    const settings = applyOverrides(
      base,
      keys.map(([key, value]) => `${key}=${JSON.stringify(value)}`),
      { flag: 'the key' },
    );
    const { model } = resolveConfig(settings);
    const config = resolveConfig(settings, [], await defaultsOf(model));
    return { variant: name, seed, folder, settings, config };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    throw new UserError(`The variant '${name}': ${error.message}`, { cause: error });
  }
}

/**
 * @param measured iterations of the run in so many seconds
 * @returns undefined where the configuration says how many
 * @throws UserError when the budget is less than an iteration, or the run sets its iterations besides
 */
export async function budgetedIterations(
  budget: Budget | undefined,
  { base, keys }: Pick<RunRequest, 'base' | 'keys'>,
  draft: PlannedRun,
  measured: (seconds: number) => Promise<number>,
): Promise<number | undefined> {
  if (budget === undefined) return undefined;
  const { variant, config } = draft;
  if ('iterations' in base || keys.some(([key]) => key === 'iterations')) {
    throw new UserError(`'${variant}' sets iterations, which follow from the budget`);
  }
  if ('seconds' in budget) return measured(budget.seconds);
  const images = config.batch.prompts * config.algorithm.k;
  if (images > budget.images) {
    throw new UserError(
      `The budget is ${String(budget.images)} images, but one iteration of '${variant}' draws ${String(images)}`,
    );
  }
  return Math.floor(budget.images / images);
}

/** The keys in which two configurations of a run differ, wherever its folder is. */
export function differingKeys(left: TrainConfig, right: TrainConfig): string[] {
  return configDifferences([left, right]).map(({ key }) => key);
}
