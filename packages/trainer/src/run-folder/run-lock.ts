/** `run.lock`: that only one process at a time works on a run, or a study. */
import { randomUUID } from 'node:crypto';
import { readFileSync, rmSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';

import lockfile from 'proper-lockfile';

import { asUserError, systemErrorCode } from '../files/system-errors';
import { writeFileAtomically } from '../files/write-atomically';
import { UserError } from '../user-error';

interface Holder {
  readonly host: string;
  readonly pid: number;
  /** Tells a process from a later one of the same number; null where the system does not say. */
  readonly started: string | null;
  /** Tells a lock from a later one of the same process. */
  readonly token: string;
}

const NAME = 'run.lock';

/** Whether a process that is alive, or may be, works on the run. */
export function isRunHeld(folder: string): boolean {
  const holder = readHolder(join(folder, NAME));
  return holder !== undefined && !isGone(holder);
}

/**
 * Takes the lock, also from a process of this machine that is no more.
 *
 * @param folder the run's, which exists
 * @param what it is, for messages
 * @returns what gives the lock back, unless somebody else has taken it over meanwhile. Safe to call twice
 * @throws UserError while another process holds it
 */
export function lockRun(folder: string, what = 'run'): () => void {
  const path = join(folder, NAME);
  const { pid } = process;
  const self: Holder = { host: hostname(), pid, started: startOf(pid), token: randomUUID() };
  try {
    alone(path, () => {
      const holder = readHolder(path);
      if (holder !== undefined && !isGone(holder))
        throw new UserError(alreadyHeld(folder, what, holder));
      writeFileAtomically(path, JSON.stringify(self));
    });
  } catch (error) {
    throw asUserError(error, `lock the ${what}`, folder);
  }
  return () => {
    alone(path, () => {
      if (readHolder(path)?.token === self.token) rmSync(path, { force: true });
    });
  };
}

/** A process that was killed while it looked at the lock, which takes milliseconds, is waited for so long. */
const STALE_MILLISECONDS = 5000;
const PAUSE_MILLISECONDS = 20;

/**
 * Looks at the lock, and changes it, while no other process does: between the two nobody else can take over a lock that was left
 * behind. The lock itself says who holds it, and has no sign of life to renew, for a run may compute for minutes on end.
 */
function alone(path: string, work: () => void): void {
  const options = { lockfilePath: `${path}.guard`, realpath: false, stale: STALE_MILLISECONDS };
  const attempts = (3 * STALE_MILLISECONDS) / PAUSE_MILLISECONDS;
  for (let attempt = 1; ; attempt += 1) {
    try {
      const release = lockfile.lockSync(path, options);
      try {
        work();
      } finally {
        release();
      }
      return;
    } catch (error) {
      if ((error as { code?: unknown }).code !== 'ELOCKED' || attempt > attempts) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MILLISECONDS);
    }
  }
}

/** Undefined where there is no lock, or a file that is none. */
function readHolder(path: string): Holder | undefined {
  try {
    const { host, pid, started, token } = JSON.parse(readFileSync(path, 'utf8')) as Partial<Holder>;
    return typeof host === 'string' && typeof pid === 'number'
      ? { host, pid, started: started ?? null, token: token ?? '' }
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

function alreadyHeld(folder: string, what: string, { pid, host }: Holder): string {
  return `The ${what} '${folder}' is being worked on by process ${String(pid)} on ${host}; wait for it, or end it, or remove '${join(folder, NAME)}' if you know that it is gone`;
}
