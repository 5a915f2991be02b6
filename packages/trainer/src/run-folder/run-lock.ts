/** `run.lock`: that only one process at a time works on a run. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';

import { asUserError, systemErrorCode } from '../files/system-errors';
import { UserError } from '../user-error';

interface Holder {
  readonly host: string;
  readonly pid: number;
  /** Tells a process from a later one of the same number; null where the system does not say. */
  readonly started: string | null;
}

const NAME = 'run.lock';

/**
 * Takes the lock, also from a process of this machine that is no more.
 *
 * @param folder the run's, which exists
 * @returns what gives the lock back
 * @throws UserError while another process holds it
 */
export function lockRun(folder: string): () => void {
  const path = join(folder, NAME);
  const self: Holder = { host: hostname(), pid: process.pid, started: startOf(process.pid) };
  try {
    if (!tryLock(path, self)) {
      const holder = readHolder(path);
      if (holder !== undefined && !isGone(holder)) throw new UserError(alreadyHeld(folder, holder));
      rmSync(path, { force: true });
      if (!tryLock(path, self)) throw new UserError(alreadyHeld(folder, readHolder(path)));
    }
  } catch (error) {
    throw asUserError(error, 'lock the run', folder);
  }
  return () => {
    rmSync(path, { force: true });
  };
}

function tryLock(path: string, holder: Holder): boolean {
  try {
    writeFileSync(path, JSON.stringify(holder), { flag: 'wx' });
    return true;
  } catch (error) {
    if (systemErrorCode(error) === 'EEXIST') return false;
    throw error;
  }
}

/** Undefined for a lock whose holder was ended before it had written its name, and for one that has just gone. */
function readHolder(path: string): Holder | undefined {
  try {
    const { host, pid, started } = JSON.parse(readFileSync(path, 'utf8')) as Partial<Holder>;
    return typeof host === 'string' && typeof pid === 'number'
      ? { host, pid, started: started ?? null }
      : undefined;
  } catch {
    return undefined;
  }
}

function isGone({ host, pid, started }: Holder): boolean {
  if (host !== hostname()) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    return systemErrorCode(error) === 'ESRCH';
  }
  return started !== startOf(pid);
}

/** Ticks since the machine's start, from Linux (proc(5), field 22 of stat). */
function startOf(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${String(pid)}/stat`, 'utf8');
    // The second field is the program's name, which may hold anything up to the last bracket.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null;
  } catch {
    return null;
  }
}

function alreadyHeld(folder: string, holder: Holder | undefined): string {
  const who =
    holder === undefined ? 'another process' : `process ${String(holder.pid)} on ${holder.host}`;
  return `The run '${folder}' is being worked on by ${who}; wait for it, or end it, or remove '${join(folder, NAME)}' if you know that it is gone`;
}
