/** A run as its folder tells it. */
import { join } from 'node:path';

import { z } from 'zod';

import { readConfigFile } from '../configuration/read-config-file';
import { fileStatus } from '../files/file-status';
import type { RunEvent } from '../run-folder/event-log';
import { historyOfEvents, readEvents } from '../run-folder/read-events';
import type { RunSummary } from '../run-folder/records';
import type { RunHistory } from '../run-folder/run-history';
import { UserError } from '../user-error';

export interface RecordedRun {
  /** As it was given. */
  readonly folder: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly history: RunHistory;
  /** Of a run that ended; one that goes on, or was killed, has none. */
  readonly summary: Pick<RunSummary, 'seconds' | 'interrupted'> | undefined;
}

/** @throws UserError when the folder holds no run, nothing was recorded yet, or what was is damaged */
export async function readRun(folder: string): Promise<RecordedRun> {
  const run = await readBegunRun(folder);
  if (run.history.iterations.length + run.history.evaluations.length === 0) {
    throw new UserError(`The run '${folder}' has recorded neither an iteration nor an evaluation`);
  }
  return run;
}

/** As {@link readRun}, also of a run that has recorded nothing yet. */
export async function readBegunRun(folder: string): Promise<RecordedRun> {
  const status = fileStatus(folder);
  if (status === undefined) throw new UserError(`The run '${folder}' does not exist`);
  if (!status.isDirectory()) {
    throw new UserError(`'${folder}' is a file; the folder of a run was expected`);
  }
  const eventFile = join(folder, 'events.jsonl');
  const configFile = join(folder, 'config.yaml');
  for (const file of [eventFile, configFile]) {
    if (fileStatus(file)?.isFile() !== true) {
      throw new UserError(`'${folder}' is not the folder of a run: there is no '${file}'`);
    }
  }
  const events = readEvents(eventFile);
  const history = historyOfEvents(events, eventFile);
  return { folder, config: await readConfig(configFile), history, summary: summaryOf(events) };
}

async function readConfig(path: string): Promise<RecordedRun['config']> {
  const config = z.record(z.string(), z.unknown()).safeParse(await readConfigFile(path));
  if (!config.success) throw new UserError(`'${path}' is not a configuration of keys and values`);
  return config.data;
}

const summaryShape = z.object({
  seconds: z.record(z.string(), z.number()),
  interrupted: z.boolean(),
});

function summaryOf(events: readonly RunEvent[]): RecordedRun['summary'] {
  // A run that was resumed after its end is going on again.
  const last = events.findLast(({ event }) => event === 'finish' || event === 'resume');
  return summaryShape.safeParse(last?.['summary']).data;
}
