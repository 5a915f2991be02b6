import { setTimeout as sleep } from 'node:timers/promises';
import { errorCode } from './errors';

/**
 * A holder that has not renewed its lock for this long counts as gone. Long enough for a busy machine, and what an
 * installation waits at most when another one was killed.
 */
const staleAfter = 15_000;

/**
 * Runs `work` while holding the lock `path` (a folder), so that two installs at the same time download once. Safety does not
 * rest on it (every install works in its own folder and renames it into place), so that a lock may be lost without harm.
 */
export async function withInstallLock<T>(
  path: string,
  onWait: () => void,
  work: () => Promise<T>,
): Promise<T> {
  const release = await takeLock(path, onWait);
  try {
    return await work();
  } finally {
    // Rejects where somebody else has taken the lock over meanwhile.
    await release().catch(() => undefined);
  }
}

async function takeLock(path: string, onWait: () => void): Promise<() => Promise<void>> {
  // Only now, for it begins to listen for signals when it is loaded.
  const { lock } = await import('proper-lockfile');
  for (let waiting = false; ; waiting = true) {
    try {
      return await lock(path, {
        lockfilePath: path,
        realpath: false,
        stale: staleAfter,
        onCompromised: () => undefined,
      });
    } catch (error) {
      if (errorCode(error) !== 'ELOCKED') throw error;
      if (!waiting) onWait();
      await sleep(250);
    }
  }
}
