/** From a study to the runs that it is made of. */
import { join } from 'node:path';

import { configDifferences } from '../comparison/config-differences';
import { applyOverrides, type PlainObject } from '../configuration/overrides';
import { readConfigFile } from '../configuration/read-config-file';
import { resolveConfig } from '../configuration/resolve-config';
import type { TrainConfig, TrainSettings } from '../configuration/schema';
import { UserError } from '../user-error';
import type { StudySettings } from './study-file';
import { folderName, variantsOf, type Variant } from './variants';

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

export interface StudyPlan {
  /** In the order of the study. */
  readonly variants: readonly string[];
  /** Seed by seed, so that a study that is under way can be looked at. */
  readonly runs: readonly PlannedRun[];
}

/** What a study does otherwise than a single run, where its base does not say. */
const STUDY_DEFAULTS: TrainSettings = {
  // A study that is killed loses the iteration under way, and its runs are many.
  checkpoint: { every: 1, keep: 1 },
  // Every run begins with the same model, which one run may evaluate at other guidance scales.
  evaluate: { baseGuidances: [] },
  samples: { every: 0 },
  tracking: { tensorboard: false },
};

export interface PlanOptions {
  /** The study's folder. */
  readonly folder: string;
  /** Of a model's own defaults. */
  readonly defaultsOf: (model: string) => Promise<TrainSettings | undefined>;
  /** Iterations of a variant, where the budget is in seconds. */
  readonly iterationsOf: (variant: PlannedRun, seconds: number) => Promise<number>;
}

/** @throws UserError that names the variant whose configuration is wrong, or that cannot be told from another */
export async function planStudy(study: StudySettings, options: PlanOptions): Promise<StudyPlan> {
  const base = await baseOf(study);
  const variants = variantsOf(study);
  const folders = uniqueFolders(variants);
  const first = [];
  // What a pilot measures, no other may disturb.
  for (const [index, variant] of variants.entries()) {
    const folder = folders[index] ?? '';
    const draft = await plan(study, base, variant, folder, study.seeds[0] ?? 0, options);
    first.push({ variant, folder, iterations: await iterationsOf(study, draft, options) });
  }
  const runs: PlannedRun[] = [];
  for (const seed of new Set(study.seeds)) {
    for (const { variant, folder, iterations } of first) {
      runs.push(await plan(study, base, variant, folder, seed, options, iterations));
    }
  }
  refuseRepetitions(runs.slice(0, variants.length));
  const names = variants.map(({ name }) => name);
  if (study.reference !== undefined && !names.includes(study.reference)) {
    throw new UserError(
      `The study's reference is '${study.reference}', but its variants are ${names.join(', ')}`,
    );
  }
  return { variants: names, runs };
}

async function baseOf({ base, evaluation }: StudySettings): Promise<PlainObject> {
  const given = typeof base === 'string' ? await readConfigFile(base) : base;
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw new UserError(`The study's base must hold keys of a run's configuration`);
  }
  const keys = given as PlainObject;
  for (const key of ['seed', 'output']) {
    if (key in keys)
      throw new UserError(`The study's base sets ${key}, which the study itself does`);
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

async function plan(
  study: StudySettings,
  base: PlainObject,
  { name, keys }: Variant,
  folder: string,
  seed: number,
  options: PlanOptions,
  iterations?: number,
): Promise<PlannedRun> {
  const own = new Set(['seed', 'output', ...(study.budget === undefined ? [] : ['iterations'])]);
  const taken = keys.find(([key]) => own.has(key));
  if (taken !== undefined) {
    const why = taken[0] === 'iterations' ? 'follows from its budget' : 'the study itself does';
    throw new UserError(`The variant '${name}' sets ${taken[0]}, which ${why}`);
  }
  const output = join(options.folder, 'runs', folder, `seed-${String(seed)}`);
  const all: (readonly [string, unknown])[] = [...keys, ['seed', seed], ['output', output]];
  if (iterations !== undefined) all.push(['iterations', iterations]);
  try {
    const settings = applyOverrides(
      base,
      all.map(([key, value]) => `${key}=${JSON.stringify(value)}`),
      { flag: 'the key' },
    );
    const { model } = resolveConfig(settings);
    const config = resolveConfig(settings, [], await options.defaultsOf(model));
    return { variant: name, seed, folder: output, settings, config };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    throw new UserError(`The variant '${name}': ${error.message}`, { cause: error });
  }
}

async function iterationsOf(
  { budget }: StudySettings,
  draft: PlannedRun,
  options: PlanOptions,
): Promise<number | undefined> {
  if (budget === undefined) return undefined;
  if ('seconds' in budget) return options.iterationsOf(draft, budget.seconds);
  const { batch, algorithm } = draft.config;
  const images = batch.prompts * algorithm.k;
  if (images > budget.images) {
    throw new UserError(
      `The study's budget is ${String(budget.images)} images, but one iteration of '${draft.variant}' draws ${String(images)}`,
    );
  }
  return Math.floor(budget.images / images);
}

function uniqueFolders(variants: readonly Variant[]): string[] {
  const taken = new Set<string>();
  return variants.map(({ name }) => {
    const wanted = folderName(name);
    let folder = wanted;
    // File systems that do not tell capitals from small letters are common.
    for (let number = 2; taken.has(folder.toLowerCase()); number += 1) {
      folder = `${wanted}-${String(number)}`;
    }
    taken.add(folder.toLowerCase());
    return folder;
  });
}

/** @param runs one of each variant */
function refuseRepetitions(runs: readonly PlannedRun[]): void {
  const seen = new Map<string, string>();
  for (const { variant, config } of runs) {
    const text = JSON.stringify({ ...config, output: '' });
    const other = seen.get(text);
    if (other !== undefined) {
      throw new UserError(
        `The variants '${other}' and '${variant}' of the study are the same run; leave one of them out`,
      );
    }
    seen.set(text, variant);
  }
}

/** The keys in which two configurations of a run differ, wherever its folder is. */
export function differingKeys(left: TrainConfig, right: TrainConfig): string[] {
  return configDifferences([left, right]).map(({ key }) => key);
}
