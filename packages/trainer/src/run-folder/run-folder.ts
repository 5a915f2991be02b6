/**
 * The folder that holds everything a run leaves behind.
 *
 * Only `report`, `model-card`, `tracking`, `comparison`, `study`, `run`, `api` and `command-line` may import this folder.
 */
import { existsSync, mkdirSync, readdirSync, rmdirSync, rmSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

import { checkWritable } from '../files/check-writable';
import { fileStatus } from '../files/file-status';
import { asUserError } from '../files/system-errors';
import { writeFileAtomically } from '../files/write-atomically';
import { UserError } from '../user-error';
import { openEventLog, reopenEventLog, type EventLog } from './event-log';
import { lockRun } from './run-lock';

export interface RunFolder {
  /** As it was given. */
  readonly path: string;
  readonly events: EventLog;
  /** Writes a file of the run, whole or not at all. `name` is a path relative to the folder, such as `samples/before.png`. */
  write(name: string, contents: Uint8Array | string): void;
  /** Lets another process go on with the run. Safe to call twice. */
  close(): void;
  /**
   * For a run that failed: removes the folder again when nothing was recorded yet, so that the same command can be given
   * again; keeps it otherwise.
   */
  discardIfUnused(): void;
}

const EVENTS = 'events.jsonl';
const SIGNS_OF_A_RUN = ['config.yaml', EVENTS, 'summary.json', 'checkpoints', 'adapter'];

/**
 * Makes the folder of a new run and claims it by its lock. What a run left that was killed before it wrote its configuration is
 * no run, and is taken over.
 * @throws UserError when the folder holds a run or anything else, or cannot be written into
 */
export function createRunFolder(path: string): RunFolder {
  checkNewRunFolder(path);
  const made = firstMissingFolder(path);
  let events: EventLog;
  let unlock = (): void => undefined;
  try {
    mkdirSync(path, { recursive: true });
    unlock = lockRun(path);
    // Somebody may have made a run of it until then.
    refuseUsedFolder(path);
    rmSync(join(path, EVENTS), { force: true });
    events = openEventLog(join(path, EVENTS));
  } catch (error) {
    unlock();
    throw asUserError(error, 'make the run folder', path);
  }
  const folder = openedFolder(path, events, unlock);
  return {
    ...folder,
    discardIfUnused() {
      if (events.count > 0) return;
      folder.close();
      for (const name of [EVENTS, 'config.yaml', 'tensorboard']) {
        rmSync(join(path, name), { recursive: true, force: true });
      }
      removeEmptyFolders(resolve(path), made);
    },
  };
}

/**
 * Opens the folder of a run, to go on with it.
 * @throws UserError when there is no run, or another process works on it
 */
export function openRunFolder(path: string): RunFolder {
  for (const name of FILES_OF_A_RUN) {
    if (hasFile(path, name)) continue;
    throw new UserError(`'${path}' is not a run's folder: it has no ${name}`);
  }
  checkWritable(path);
  const unlock = lockRun(path);
  try {
    return openedFolder(path, reopenEventLog(join(path, EVENTS)), unlock);
  } catch (error) {
    unlock();
    throw error;
  }
}

function openedFolder(path: string, events: EventLog, unlock: () => void): RunFolder {
  let open = true;
  return {
    path,
    events,
    write(name, contents) {
      writeFileAtomically(join(path, name), contents);
    },
    close() {
      if (!open) return;
      open = false;
      events.close();
      unlock();
    },
    discardIfUnused: () => undefined,
  };
}

/** What a folder has from when on `resume` takes it; the first record may not be made yet. */
const FILES_OF_A_RUN = ['config.yaml', EVENTS];

const hasFile = (path: string, name: string): boolean =>
  fileStatus(join(path, name))?.isFile() === true;

/** Whether there is a run that can be gone on with. */
export function isRunFolder(path: string): boolean {
  return FILES_OF_A_RUN.every((name) => hasFile(path, name));
}

/** @throws UserError when the folder holds a run or anything else, or cannot be written into */
export function checkNewRunFolder(path: string): void {
  refuseUsedFolder(path);
  checkWritable(path);
}

function refuseUsedFolder(path: string): void {
  const status = fileStatus(path);
  if (status === undefined) return;
  if (!status.isDirectory()) {
    throw new UserError(`The output '${path}' is a file; name a folder that does not exist yet`);
  }
  let names: string[];
  try {
    names = readdirSync(path);
  } catch (error) {
    throw asUserError(error, 'open the run folder', path);
  }
  if (isBegunOnly(path, names)) return;
  if (SIGNS_OF_A_RUN.some((name) => names.includes(name))) throw new UserError(alreadyARun(path));
  if (names.length > 0) {
    throw new UserError(
      `The output folder '${path}' is not empty; name a folder that does not exist yet`,
    );
  }
}

/** Whether a run was ended there before it wrote its configuration. */
function isBegunOnly(path: string, names: readonly string[]): boolean {
  return (
    names.every((name) => name === EVENTS || name.startsWith('run.lock')) &&
    (fileStatus(join(path, EVENTS))?.size ?? 0) === 0
  );
}

function alreadyARun(path: string): string {
  return `The output folder '${path}' already holds a run, which is never overwritten; name another with --name or --set output=…`;
}

/** The topmost folder that making `path` has to make, or undefined when `path` exists. */
function firstMissingFolder(path: string): string | undefined {
  let first: string | undefined;
  for (let folder = resolve(path); !existsSync(folder); folder = dirname(folder)) first = folder;
  return first;
}

/** Removes empty folders from `folder` upwards, as far as they were made for this run. */
function removeEmptyFolders(folder: string, made: string | undefined): void {
  if (made === undefined) return;
  try {
    for (let current = folder; current.length >= made.length; current = dirname(current)) {
      rmdirSync(current);
    }
  } catch {
    // Something else was put there meanwhile; it stays.
  }
}
