/** What a run has reported so far: the data of its curves. */
import type { EvaluationRecord, IterationRecord } from '../run-folder/records';

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
