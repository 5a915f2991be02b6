/** Something that shows a run while it goes on. `events.jsonl` is the truth; a sink may fail without harm to the run. */
import type { EvaluationRecord, IterationRecord, RunSummary } from '../run-folder/records';

export interface TrackingSink {
  iteration(record: IterationRecord): void;
  /** @param iteration iterations that were done before it, here and below */
  evaluation(record: EvaluationRecord, iteration: number): void;
  /** @param png the grid as it stands in `samples/` */
  sampleGrid(name: string, png: Uint8Array, iteration: number): void;
  /** The run came to its end: everything is delivered, or given up, when the promise resolves. */
  finish(summary: RunSummary): Promise<void>;
  /** Also after a run that failed. Safe to call twice. */
  close(): void;
}
