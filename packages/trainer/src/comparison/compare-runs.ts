/**
 * The figures of several runs side by side.
 *
 * Only `study` and `command-line` may import this folder.
 */
import { isDeepStrictEqual } from 'node:util';

import type { EvaluationRecord } from '../run-folder/records';
import { pointsOf, type RunHistory } from '../run-folder/run-history';
import type { MeanWithError } from '../statistics';
import { pairedGain } from '../statistics';
import { configDifferences, type ConfigDifference } from './config-differences';
import { movingMean } from './moving-mean';
import type { RecordedRun } from './read-run';
import { runNames } from './run-names';

/** Iterations that a smoothed reward is the mean of. */
export const SMOOTHED_ITERATIONS = 10;

/** An evaluation and when it was made. */
export interface EvaluationScore extends MeanWithError {
  /** Iterations that were done before it. */
  readonly iteration: number;
  readonly count: number;
}

export interface RunFigures {
  /** Unlike the others' names. */
  readonly name: string;
  readonly folder: string;
  /** Whether the run came to its end, was ended before, or goes on or was killed. */
  readonly state: 'finished' | 'interrupted' | 'not finished';
  readonly iterations: number;
  readonly images: number;
  /** Means of the training reward over 10 iterations: the last, and the highest. */
  readonly reward: { readonly final: number; readonly best: number };
  readonly evaluation: {
    /** Whether prompts were evaluated that were trained on, too. */
    readonly trainedOn: boolean;
    readonly before?: EvaluationScore | undefined;
    /** The last evaluation, unless it is also the first. */
    readonly after?: EvaluationScore | undefined;
    /** Of the paired differences, where both are of the same prompts and settings. */
    readonly gain?: MeanWithError | undefined;
  };
  /** Wall clock. Iterations that were done again count once; evaluations count in runs that have ended. */
  readonly seconds: { readonly total: number; readonly byPhase: Readonly<Record<string, number>> };
}

export interface Comparison {
  readonly runs: readonly RunFigures[];
  readonly configuration: readonly ConfigDifference[];
  /** Sentences on what cannot be compared. */
  readonly notes: readonly string[];
}

/** @throws UserError when a folder is there twice */
export function compareRuns(runs: readonly RecordedRun[]): Comparison {
  const names = runNames(runs.map(({ folder }) => folder));
  const configuration = configDifferences(runs.map(({ config }) => config));
  return {
    runs: runs.map((run, index) => figures(run, names[index] ?? '')),
    configuration,
    notes: notesOn(configuration.map(({ key }) => key)),
  };
}

/** @param keys that differ */
function notesOn(keys: readonly string[]): string[] {
  const notes: string[] = [];
  if (keys.some((key) => key.startsWith('rewards'))) {
    notes.push('These runs have different rewards, whose values are not on one scale.');
  }
  if (keys.some((key) => key === 'prompts' || key === 'evaluate.prompts')) {
    notes.push('These runs have different prompts, some of which may be easier than others.');
  }
  return notes;
}

function figures({ folder, history, summary }: RecordedRun, name: string): RunFigures {
  const { iterations } = history;
  const byPhase = secondsByPhase(history, summary?.seconds ?? {});
  const smoothed = smoothedRewards(history);
  return {
    name,
    folder,
    state:
      summary === undefined ? 'not finished' : summary.interrupted ? 'interrupted' : 'finished',
    iterations: iterations.at(-1)?.iteration ?? 0,
    images: sum(iterations.map(({ images }) => images)),
    reward: {
      final: smoothed.at(-1) ?? Number.NaN,
      // Means of fewer iterations are noisier, and the highest of them would be luck.
      best: highest(smoothed.slice(Math.min(SMOOTHED_ITERATIONS, smoothed.length) - 1)),
    },
    evaluation: evaluationScores(history),
    seconds: { total: sum(Object.values(byPhase)), byPhase },
  };
}

/** One per iteration. */
export function smoothedRewards({ iterations }: RunHistory): number[] {
  return movingMean(
    iterations.map(({ reward }) => reward.mean),
    SMOOTHED_ITERATIONS,
  );
}

function evaluationScores(history: RunHistory): RunFigures['evaluation'] {
  const own = pointsOf(history);
  const [before] = own;
  const after = own.length > 1 ? own.at(-1) : undefined;
  return {
    trainedOn: own.some(({ record }) => record.trainedOn === true),
    before: before && score(before),
    after: after && score(after),
    gain: before && after && gainBetween(before.record, after.record),
  };
}

function score({ iteration, record }: RunHistory['evaluations'][number]): EvaluationScore {
  const { mean, standardError, count } = record;
  return { iteration, mean, standardError, count };
}

function gainBetween(before: EvaluationRecord, after: EvaluationRecord): MeanWithError | undefined {
  const comparable =
    before.rewards.length === after.rewards.length &&
    isDeepStrictEqual(before.settings, after.settings);
  if (!comparable) return undefined;
  const gain = pairedGain(before.rewards, after.rewards);
  return gain.count > 0 ? gain : undefined;
}

function secondsByPhase(
  { iterations }: RunHistory,
  ofRun: Readonly<Record<string, number>>,
): Record<string, number> {
  const seconds = new Map<string, number>();
  const add = (phase: string, more: number) => {
    seconds.set(phase, (seconds.get(phase) ?? 0) + more);
  };
  for (const record of iterations) {
    for (const [phase, more] of Object.entries(record.seconds)) add(phase, more);
  }
  const ofIterations = new Set(seconds.keys());
  for (const [phase, more] of Object.entries(ofRun)) {
    if (!ofIterations.has(phase)) add(phase.replace(/^evaluation .*/s, 'evaluation'), more);
  }
  return Object.fromEntries(seconds);
}

function highest(values: readonly number[]): number {
  const finite = values.filter((value) => Number.isFinite(value));
  return finite.length === 0 ? Number.NaN : finite.reduce((left, right) => Math.max(left, right));
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
