/** Where a run that ended stands, and what it goes on with. */
import { join } from 'node:path';

import { readConfigFile } from '../configuration/read-config-file';
import { resolveConfig } from '../configuration/resolve-config';
import type { TrainConfig } from '../configuration/schema';
import { readNewestCheckpoint, type Checkpoint } from '../run-folder/checkpoint-folder';
import type { RunEvent } from '../run-folder/event-log';
import { historyOfEvents, readEvents } from '../run-folder/read-events';
import type { RunSummary } from '../run-folder/records';
import { isOfResult, type RunHistory } from '../run-folder/run-history';
import type { ResumePoint } from '../run/loop';
import { counted } from '../terminal/words';
import { UserError } from '../user-error';

export interface Continuation {
  /** The run's, with the folder as it is named now. */
  readonly config: TrainConfig;
  /** That are done. */
  readonly iterations: number;
  /** The newest whole one; undefined for a run that ended before its first, and begins again. */
  readonly checkpoint: Checkpoint | undefined;
  /** What is wrong with newer checkpoints, a sentence each without its full stop. */
  readonly damaged: readonly string[];
  /** What was recorded until then. */
  readonly history: RunHistory;
}

/**
 * @param path the run's folder, which may have been moved
 * @param iterations to go on to, instead of the configuration's
 * @throws UserError when the run has done its iterations, or has no whole checkpoint but something to lose, or a file of it cannot be read
 */
export async function readContinuation(
  path: string,
  iterations: number | undefined,
): Promise<Continuation> {
  const config = await configToGoOn(path, iterations);
  const { checkpoint, damaged } = readNewestCheckpoint(join(path, 'checkpoints'));
  const events = readEvents(join(path, 'events.jsonl'));
  const result = resultIn(events);
  if (result >= config.iterations) {
    throw new UserError(
      `The run '${path}' has done ${counted(result, 'iteration')}; --iterations takes a larger number to go on`,
    );
  }
  // To begin again would replace what was learnt.
  if (checkpoint === undefined && (damaged.length > 0 || result > 0)) {
    throw new UserError(
      [
        ...damaged,
        `There is nothing that the run '${path}' can go on from; a new run with its config.yaml and another output begins again`,
      ].join('. '),
    );
  }
  const done = checkpoint?.step ?? 0;
  const history = historyUntil(done, config, events);
  return { config, iterations: done, checkpoint, damaged, history };
}

/** As {@link readContinuation}, what is to be done alone. */
export async function configToGoOn(
  path: string,
  iterations: number | undefined,
): Promise<TrainConfig> {
  const stored = resolveConfig(await readConfigFile(join(path, 'config.yaml')));
  return { ...stored, output: path, iterations: iterations ?? stored.iterations };
}

/** @param onDifference told what is no longer as it was when the checkpoint was made */
export function resumePoint(
  { checkpoint, history }: Continuation,
  onDifference: (difference: string) => void,
): ResumePoint {
  return { checkpoint, evaluations: history.evaluations.map(({ record }) => record), onDifference };
}

/** Iterations of a run that has come to its end; 0 for one that has not. */
function resultIn(events: readonly RunEvent[]): number {
  const last = events.at(-1);
  if (last?.event !== 'finish') return 0;
  const { iterations, interrupted } = last['summary'] as Partial<RunSummary>;
  return interrupted === false ? (iterations ?? 0) : 0;
}

/** What was recorded of later iterations belongs to a course that is now taken anew, and so does an end that was not one. */
function historyUntil(
  iterations: number,
  config: TrainConfig,
  events: readonly RunEvent[],
): RunHistory {
  const resumed = { event: 'resume', iteration: iterations };
  const history = historyOfEvents([...events, resumed], join(config.output, 'events.jsonl'));
  if (iterations === config.iterations) return history;
  const evaluations = history.evaluations.filter(({ record }) => !isOfResult(record));
  return { ...history, evaluations };
}
