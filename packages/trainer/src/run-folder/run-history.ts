/** What a run has reported so far: the data of its curves. */
import type { EvaluationRecord, IterationRecord } from './records';

export interface RunHistory {
  readonly iterations: readonly IterationRecord[];
  readonly evaluations: readonly {
    /** Iterations that were done before it. */
    readonly iteration: number;
    readonly record: EvaluationRecord;
  }[];
}

/** The untouched model at another setting: a line to compare with, not a point of the run. */
export function isBaseEvaluation(record: EvaluationRecord): boolean {
  return record.name.startsWith('base');
}

/** What curves show of an iteration; distributions are in `events.jsonl`, and would fill the memory of a long run. */
export function withoutDistributions(record: IterationRecord): IterationRecord {
  return {
    ...record,
    rewards: [],
    ratioPerTimestep: record.ratioPerTimestep.map(({ timestep, mean, std, clipFraction }) => ({
      ...{ timestep, mean, std, clipFraction },
    })),
  };
}

/** At most so many iterations, evenly spread, with the last: more than a plot has pixels only cost time. */
export function thinned({ iterations, evaluations }: RunHistory, most: number): RunHistory {
  const each = Math.ceil(iterations.length / most);
  const kept = iterations.filter((_, index) => (iterations.length - 1 - index) % each === 0);
  return { iterations: kept, evaluations };
}
