/** From a study to the runs that it is made of. */
import { join } from 'node:path';

import { UserError } from '../user-error';
import {
  budgetedIterations,
  planRun,
  readBase,
  type DefaultsOf,
  type PlannedRun,
} from './plan-run';
import type { StudySettings } from './study-file';
import { folderName, variantsOf, type Variant } from './variants';

export interface StudyPlan {
  /** In the order of the study. */
  readonly variants: readonly string[];
  /** Seed by seed, so that a study that is under way can be looked at. */
  readonly runs: readonly PlannedRun[];
}

export interface PlanOptions {
  /** The study's folder. */
  readonly folder: string;
  readonly defaultsOf: DefaultsOf;
  /** Iterations of a variant, where the budget is in seconds. */
  readonly iterationsOf: (variant: PlannedRun, seconds: number) => Promise<number>;
}

/** @throws UserError that names the variant whose configuration is wrong, or that cannot be told from another */
export async function planStudy(study: StudySettings, options: PlanOptions): Promise<StudyPlan> {
  const { folder, defaultsOf, iterationsOf } = options;
  const base = await readBase(study);
  const variants = variantsOf(study);
  const folders = uniqueFolders(variants);
  const requests = [];
  // What a pilot measures, no other may disturb.
  for (const [index, variant] of variants.entries()) {
    const at = (seed: number) => join(folder, 'runs', folders[index] ?? '', `seed-${String(seed)}`);
    const [seed = 0] = study.seeds;
    const request = { ...variant, base, at };
    const draft = await planRun({ ...request, seed, folder: at(seed) }, defaultsOf);
    const iterations = await budgetedIterations(study.budget, request, draft, (seconds) =>
      iterationsOf(draft, seconds),
    );
    requests.push({ ...request, iterations });
  }
  const runs: PlannedRun[] = [];
  for (const seed of new Set(study.seeds)) {
    for (const request of requests) {
      runs.push(await planRun({ ...request, seed, folder: request.at(seed) }, defaultsOf));
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
