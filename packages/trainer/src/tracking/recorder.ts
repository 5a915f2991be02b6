/**
 * Where a run's reports go: to every sink, in their order.
 *
 * Only `comparison`, `gradient-variance`, `study`, `run`, `api` and `command-line` may import this folder.
 */
import type { CutOffPrompts } from '../prompts/cut-off-prompts';
import type { EvaluationRecord, IterationRecord, RunSummary } from '../run-folder/records';
import type { DrawnImages, RunSink, StopRequest } from './sink';

export interface RunRecorder {
  /** The first wish of a sink to end the run. */
  readonly stopRequest: StopRequest | undefined;
  /** @param drawn gives the iteration's images, in the order of the record's rewards */
  iteration(record: IterationRecord, drawn: () => Promise<DrawnImages>): Promise<void>;
  evaluation(record: EvaluationRecord): Promise<void>;
  sampleGrid(name: string, drawn: DrawnImages): Promise<void>;
  promptsCutOff(found: CutOffPrompts): void;
  /** @param fraction of the phase that is done, in [0, 1] */
  phase(name: string, fraction: number): void;
  finish(summary: RunSummary): Promise<void>;
  /** Safe to call twice. */
  close(): void;
}

/** @param iterations that were done before the first report, of a run that goes on */
export function createRecorder(sinks: readonly RunSink[], iterations = 0): RunRecorder {
  let done = iterations;
  let stopRequest: StopRequest | undefined;
  let closed = false;

  /** Tells one after the other; a wish to stop does not keep the others from being told. */
  async function tell(
    report: (sink: RunSink) => ReturnType<Required<RunSink>['iteration']> | undefined,
  ): Promise<void> {
    for (const sink of sinks) {
      const answer = await report(sink);
      if (typeof answer === 'object') stopRequest ??= answer;
    }
  }

  return {
    get stopRequest() {
      return stopRequest;
    },
    iteration(record, drawn) {
      done = record.iteration;
      return tell((sink) => sink.iteration?.(record, drawn));
    },
    evaluation: (record) => tell((sink) => sink.evaluation?.(record, done)),
    async sampleGrid(name, drawn) {
      for (const sink of sinks) await sink.sampleGrid?.(name, drawn, done);
    },
    promptsCutOff(found) {
      for (const sink of sinks) sink.promptsCutOff?.(found);
    },
    phase(name, fraction) {
      for (const sink of sinks) sink.phase?.(name, fraction);
    },
    async finish(summary) {
      for (const sink of sinks) await sink.finish?.(summary);
    },
    close() {
      if (closed) return;
      closed = true;
      for (const sink of sinks) sink.close?.();
    },
  };
}
