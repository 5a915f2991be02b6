/** A run in TensorBoard: `tensorboard --logdir runs`. */
import { histogramOf } from '../../report/histogram';
import {
  evaluationGroup,
  evaluationScalars,
  iterationScalars,
  summaryScalars,
  type Scalars,
} from '../scalars';
import type { TrackingSink } from '../tracking-sink';
import { histogramValue, imageValue, scalarValue, summaryEvent, type SummaryValue } from './event';
import { makeEventFile, type EventFile } from './event-file';

export interface TensorBoardOptions {
  /** Iterations that were done when the run was resumed; undefined for a new run. */
  readonly resumedFrom?: number | undefined;
  /** Milliseconds since 1970. */
  readonly now?: (() => number) | undefined;
}

/**
 * The file is made with its first event, so that a run that failed before leaves nothing.
 * @param folder is made when it is missing
 */
export function createTensorBoardSink(
  folder: string,
  { resumedFrom, now = Date.now }: TensorBoardOptions = {},
): TrackingSink {
  let file: EventFile | undefined;
  let closed = false;

  function write(step: number, values: readonly SummaryValue[]): void {
    if (closed || values.length === 0) return;
    const seconds = now() / 1000;
    const purgeFrom = resumedFrom === undefined ? undefined : resumedFrom + 1;
    file ??= makeEventFile(folder, { seconds, purgeFrom });
    file.append(summaryEvent(seconds, step, values));
  }

  return {
    iteration(record) {
      write(record.iteration, [
        ...scalarValues(iterationScalars(record)),
        ...histogramValues('rewards', record.rewards),
        ...record.ratioPerTimestep.flatMap(({ timestep, histogram }) =>
          histogram === undefined ? [] : histogramValue(`ratios_at/${String(timestep)}`, histogram),
        ),
      ]);
    },
    evaluation(record, iteration) {
      write(iteration, [
        ...scalarValues(evaluationScalars(record)),
        ...histogramValues(`${evaluationGroup(record)}/rewards`, record.rewards),
      ]);
    },
    sampleGrid(_, png, iteration) {
      write(iteration, [imageValue('samples', png)]);
    },
    finish(summary) {
      write(summary.iterations, scalarValues(summaryScalars(summary)));
      return Promise.resolve();
    },
    close() {
      closed = true;
      file?.close();
    },
  };
}

function scalarValues(scalars: Scalars): SummaryValue[] {
  return Object.entries(scalars).map(([tag, value]) => scalarValue(tag, value));
}

function histogramValues(tag: string, values: readonly number[]): SummaryValue[] {
  const histogram = histogramOf(values);
  return histogram === undefined ? [] : [histogramValue(tag, histogram)];
}
