/** One run of a study: begun, gone on with, or found done. */
import { setTimeout as pause } from 'node:timers/promises';

import type { RecordedRun } from '../comparison/read-run';
import type { RunEvent } from '../run-folder/event-log';
import { isRunHeld } from '../run-folder/run-lock';
import { UserError } from '../user-error';
import type { LaunchRun } from './launch-run';
import type { PlannedRun } from './plan-run';
import { stateOfRun, type RunState } from './run-state';

/** What a run's process said that ended with an error: its own settings may be to blame. */
export class FailedRun extends UserError {}

export interface CarryOutOptions {
  readonly launch: LaunchRun;
  readonly signal: AbortSignal;
  readonly onEvent?: (event: RunEvent) => void;
  readonly environment?: Readonly<Record<string, string>>;
}

/**
 * Returns when the run is done.
 *
 * @throws the signal's reason when the run was ended by it
 * @throws FailedRun with what the run said, when it failed
 * @throws UserError when its folder is not such a run's, or another process works on it
 */
export async function carryOutRun(
  run: PlannedRun,
  { launch, signal, onEvent = () => undefined, environment }: CarryOutOptions,
): Promise<RecordedRun> {
  // A run whose study was killed may be about to end; what it leaves is what counts.
  await untilFree(run.folder, signal);
  const before = await stateOfRun(run);
  if (before.state === 'done') return before.recorded;
  const args = before.state === 'begun' ? ['resume', run.folder] : ['train', ...settingFlags(run)];
  const { code, said } = await launch(args, {
    ...{ onEvent, signal },
    ...(environment && { environment }),
  });
  signal.throwIfAborted();
  const after: RunState = code === 0 ? await stateOfRun(run) : { state: 'missing' };
  if (after.state === 'done') return after.recorded;
  const why = said.trim() || `its process ended with the exit code ${String(code)}`;
  throw new FailedRun(`'${run.variant}' with seed ${String(run.seed)} failed: ${why}`);
}

function settingFlags({ settings }: PlannedRun): string[] {
  return Object.entries(settings).flatMap(([key, value]) => [
    '--set',
    `${key}=${JSON.stringify(value)}`,
  ]);
}

const MILLISECONDS_BETWEEN_LOOKS = 100;
const MILLISECONDS_OF_PATIENCE = 120_000;

/**
 * A run whose study was killed ends by itself, with a checkpoint, which takes a moment.
 *
 * @throws UserError when it does not
 */
async function untilFree(folder: string, signal: AbortSignal): Promise<void> {
  const end = Date.now() + MILLISECONDS_OF_PATIENCE;
  while (isRunHeld(folder)) {
    if (Date.now() > end) {
      throw new UserError(
        `Another process works on the run '${folder}' (run.lock there says which); wait for it or end it, and begin again`,
      );
    }
    await pause(MILLISECONDS_BETWEEN_LOOKS, undefined, { signal });
  }
}
