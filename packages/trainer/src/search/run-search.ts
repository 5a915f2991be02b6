/**
 * A search: each run is decided on by those before it, carried out, and told to the model of what settings do.
 *
 * Only `command-line` may import this folder.
 */
import { join } from 'node:path';

import { createSearch, type Search } from '@loop-diffusion/bayesian-search';

import type { RecordedRun } from '../comparison/read-run';
import { pointsOf } from '../run-folder/run-history';
import { pairedGain, type MeanWithError } from '../statistics';
import { carryOutRun, FailedRun, type CarryOutOptions } from '../study/carry-out-run';
import { checkPrompts } from '../study/check-prompts';
import {
  budgetedIterations,
  planRun,
  readBase,
  type DefaultsOf,
  type PlannedRun,
} from '../study/plan-run';
import { UserError } from '../user-error';
import type { SearchSettings } from './search-file';
import { writeDecisions, type Decision } from './search-folder';
import { keysOf, spaceOf, valueText } from './space';

/** A run with what it came to. */
export interface SearchedRun extends Decision {
  /** Of held-out rewards, from before training to its end; undefined for a run that failed. */
  readonly gain: MeanWithError | undefined;
}

export interface SearchEnd {
  readonly runs: readonly SearchedRun[];
  readonly search: Search;
  /** The best setting on seeds of its own. */
  readonly confirmed: readonly { readonly seed: number; readonly gain: MeanWithError }[];
  /** What failed on them. */
  readonly notes: readonly string[];
}

export interface RunSearchOptions extends Pick<CarryOutOptions, 'launch' | 'signal'> {
  readonly folder: string;
  readonly defaultsOf: DefaultsOf;
  /** @param number of the run, from 0 */
  readonly iterationsOf: (run: PlannedRun, seconds: number, number: number) => Promise<number>;
  /** Decided on before. */
  readonly decisions: readonly Decision[];
  readonly onEvent?: (
    run: string,
    done: number,
    event: Parameters<NonNullable<CarryOutOptions['onEvent']>>[0],
  ) => void;
  readonly onRun?: (run: SearchedRun, number: number) => void;
  /** Told when all runs are done, before the best setting is confirmed. */
  readonly onSearched?: (end: SearchEnd) => Promise<void>;
}

/** So many failures from the start on, and the configuration is to blame rather than the settings. */
const MOST_FAILURES_AT_THE_START = 3;

/**
 * @throws the signal's reason when it is aborted
 * @throws UserError when the search is not one that can be carried out, or all its first runs fail
 */
export async function runSearch(
  settings: SearchSettings,
  options: RunSearchOptions,
): Promise<SearchEnd> {
  const { folder, decisions, signal } = options;
  const search = openSearch(settings);
  const plan = await runPlanner(settings, options);
  const decided = [...decisions];
  const runs: SearchedRun[] = [];
  while (runs.length < settings.runs) {
    const number = runs.length;
    if (decided[number] === undefined) {
      // Written before it begins, so that a search which goes on has the same run.
      decided.push(search.suggest());
      writeDecisions(folder, settings, decided);
    }
    const decision = decided[number]!;
    let gain: MeanWithError | undefined;
    if (decision.failure === undefined) {
      try {
        const planned = await plan({
          ...{ decision, number, seedOffset: number },
          folder: runFolder(folder, number),
        });
        gain = await gainOf(planned, number, options);
      } catch (error) {
        signal.throwIfAborted();
        if (!(error instanceof FailedRun)) throw error;
        decided[number] = { ...decision, failure: error.message };
        writeDecisions(folder, settings, decided);
      }
    }
    const run: SearchedRun = { ...decided[number]!, gain };
    search.observe(run.settings, gain?.mean ?? null, gain?.standardError ?? 0);
    runs.push(run);
    options.onRun?.(run, number);
    if (number + 1 === MOST_FAILURES_AT_THE_START && runs.every((one) => one.gain === undefined)) {
      throw new UserError(`The first runs of the search all failed: ${run.failure ?? ''}`);
    }
  }
  if (runs.every((run) => run.gain === undefined)) {
    throw new UserError(
      `No run of the search succeeded; the last said: ${runs.at(-1)?.failure ?? ''}`,
    );
  }
  const end: SearchEnd = { runs, search, confirmed: [], notes: [] };
  await options.onSearched?.(end);
  return { ...end, ...(await confirm(search, settings, plan, options)) };
}

/** @throws UserError that says what is wrong with the settings */
export function openSearch(settings: SearchSettings): Search {
  const { seed, start, acquisition, explain, about } = settings;
  const every = { interleaved: 2, improve: Infinity, explain: 1 }[acquisition];
  try {
    return createSearch(spaceOf(settings), {
      ...{ seed, every, about },
      ...(start !== undefined && { start }),
      ...(explain !== undefined && { explain }),
    });
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new UserError(`The search's settings: ${error.message.replace(/\.$/, '')}`);
  }
}

interface PlanRequest {
  readonly decision: Pick<Decision, 'settings'>;
  /** Of the run that was decided on, from 0. */
  readonly number: number;
  readonly seedOffset: number;
  readonly folder: string;
}

type Planner = (request: PlanRequest) => Promise<PlannedRun>;

async function runPlanner(settings: SearchSettings, options: RunSearchOptions): Promise<Planner> {
  const { defaultsOf, iterationsOf } = options;
  const base = await readBase(settings);
  return async ({ decision, number, seedOffset, folder }) => {
    const request = {
      ...{ base, folder, keys: keysOf(settings, decision.settings) },
      name: settingsText(settings, decision),
      // Seeds differ, so that what settings do is told from what one seed makes of them.
      seed: settings.seed + seedOffset,
    };
    const draft = await planRun(request, defaultsOf);
    const iterations = await budgetedIterations(settings.budget, request, draft, (seconds) =>
      iterationsOf(draft, seconds, number),
    );
    return planRun({ ...request, iterations }, defaultsOf);
  };
}

/**
 * Plans a run at each end of each setting, and carries out none.
 *
 * @throws UserError when one of them has a configuration that is wrong, or would have no gain
 */
export async function checkSearch(settings: SearchSettings, defaultsOf: DefaultsOf): Promise<void> {
  const base = await readBase(settings);
  const { settings: start } = openSearch(settings).suggest();
  const corners = Object.entries(spaceOf(settings)).flatMap(([name, parameter]) =>
    (parameter.scale === 'choice' ? parameter.values : [parameter.min, parameter.max]).map(
      (value) => ({ ...start, [name]: value }),
    ),
  );
  const drafts: PlannedRun[] = [];
  for (const corner of corners) {
    const keys = keysOf(settings, corner);
    const name = settingsText(settings, { settings: corner });
    const draft = await planRun({ base, keys, name, seed: settings.seed, folder: '-' }, defaultsOf);
    if (draft.config.evaluate.images < 2) {
      throw new UserError(
        `A search goes by held-out rewards, but evaluation.images is ${String(draft.config.evaluate.images)}; give it at least 2`,
      );
    }
    await budgetedIterations(settings.budget, { base, keys }, draft, () => Promise.resolve(1));
    drafts.push(draft);
  }
  await checkPrompts(drafts);
}

/** Of the best setting as it is believed now, on seeds that no run of the search had. */
async function confirm(
  search: Search,
  settings: SearchSettings,
  plan: Planner,
  options: RunSearchOptions,
): Promise<Pick<SearchEnd, 'confirmed' | 'notes'>> {
  const best = search.best();
  const confirmed: SearchEnd['confirmed'][number][] = [];
  const notes: string[] = [];
  for (let index = 0; best !== undefined && index < settings.confirm; index += 1) {
    const seedOffset = CONFIRMING_SEEDS + index;
    const planned = await plan({
      ...{ decision: best, number: best.run, seedOffset },
      folder: join(
        ...[options.folder, 'confirmation', nameOf(best.run)],
        `seed-${String(settings.seed + seedOffset)}`,
      ),
    });
    try {
      confirmed.push({
        seed: planned.seed,
        gain: await gainOf(planned, settings.runs + index, options),
      });
    } catch (error) {
      options.signal.throwIfAborted();
      if (!(error instanceof FailedRun)) throw error;
      notes.push(error.message);
    }
  }
  return { confirmed, notes };
}

/** More than a search has runs. */
const CONFIRMING_SEEDS = 100_000;

async function gainOf(
  planned: PlannedRun,
  number: number,
  { launch, signal, onEvent }: RunSearchOptions,
): Promise<MeanWithError> {
  const recorded = await carryOutRun(planned, {
    ...{ launch, signal },
    onEvent: (event) => onEvent?.(planned.variant, number, event),
  });
  return gainIn(recorded);
}

function gainIn({ history, folder }: RecordedRun): MeanWithError {
  const own = pointsOf(history);
  const [before, after] = [own[0]?.record, own.at(-1)?.record];
  if (before === undefined || after === undefined || own.length < 2) {
    throw new UserError(
      `The run '${folder}' has no held-out reward before and after; a search needs evaluation.images`,
    );
  }
  return pairedGain(before.rewards, after.rewards);
}

/** `optimizer.learningRate=0.0021, k=4` */
export function settingsText(
  { settings }: Pick<SearchSettings, 'settings'>,
  decision: Pick<Decision, 'settings'>,
): string {
  return Object.entries(decision.settings)
    .map(([name, value]) => `${name}=${valueText(settings[name], value)}`)
    .join(', ');
}

function runFolder(folder: string, number: number): string {
  return join(folder, 'runs', nameOf(number));
}

/** Of a run, in folders. @param number from 0 */
export function nameOf(number: number): string {
  return String(number + 1).padStart(3, '0');
}
