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

/** Not so at guidance scales of a model's own, which are lines to compare with. */
export function isPointOfRun({ name }: Pick<EvaluationRecord, 'name'>): boolean {
  return /^(before|after|iteration-\d+)$/.test(name);
}

/** Those at the guidance scale of the run. */
export function pointsOf({ evaluations }: RunHistory): RunHistory['evaluations'][number][] {
  return evaluations.filter(({ record }) => isPointOfRun(record));
}

/** Of the result, which another course of the run has another of. */
export function isOfResult({ name }: Pick<EvaluationRecord, 'name'>): boolean {
  return /^(after|best-after|choice-after-.*|client-.*)$/.test(name);
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
