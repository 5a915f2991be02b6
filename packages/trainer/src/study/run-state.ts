/** How far a run of a study is, as its folder tells. */
import { isDeepStrictEqual } from 'node:util';
import { join } from 'node:path';

import { readRun, type RecordedRun } from '../comparison/read-run';
import { readConfigFile } from '../configuration/read-config-file';
import { resolveConfig } from '../configuration/resolve-config';
import { fileStatus } from '../files/file-status';
import { readEvents } from '../run-folder/read-events';
import { UserError } from '../user-error';
import { differingKeys, type PlannedRun } from './plan-run';

/** `missing`: nothing that could go on. */
export type RunState =
  | { readonly state: 'missing' }
  | { readonly state: 'begun'; readonly iterations: number }
  | { readonly state: 'done'; readonly recorded: RecordedRun };

/**
 * @throws UserError when the folder holds a run of another configuration, or what was recorded is damaged
 */
export async function stateOfRun(run: PlannedRun): Promise<RunState> {
  const { folder, config } = run;
  const events = join(folder, 'events.jsonl');
  const has = (name: string) => fileStatus(join(folder, name))?.isFile() === true;
  if (!has('config.yaml') || !has('events.jsonl')) return { state: 'missing' };
  const recorded = resolveConfig(await readConfigFile(join(folder, 'config.yaml')));
  const keys = differingKeys(recorded, config);
  if (keys.length > 0 || !isDeepStrictEqual(outputless(recorded), outputless(config))) {
    throw new UserError(
      `'${folder}' holds a run of another study: it has another ${keys.join(', ')} than '${run.variant}'; name another folder with --out`,
    );
  }
  const last = readEvents(events).findLast(({ event }) =>
    ['iteration', 'finish', 'resume', 'evaluation'].includes(event),
  );
  if (last === undefined) return { state: 'begun', iterations: 0 };
  const read = await readRun(folder).catch((error: unknown) => {
    // One that was resumed before its first record.
    if (last.event === 'resume') return undefined;
    throw error;
  });
  const iterations = read?.history.iterations.at(-1)?.iteration ?? 0;
  const ended = last.event === 'finish' && read?.summary?.interrupted === false;
  return ended ? { state: 'done', recorded: read } : { state: 'begun', iterations };
}

function outputless(config: object): object {
  return { ...config, output: '' };
}
