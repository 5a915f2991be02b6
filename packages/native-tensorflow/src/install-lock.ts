import { readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { errorCode } from './errors';

/** A holder on another machine counts as gone when its lock has not been renewed for this long. */
const staleAfter = 60_000;
const renewEvery = 10_000;

/**
 * Runs `work` while holding the lock file `path`, so that two installs at the same time download once. Safety does not
 * rest on it (every install works in its own folder and renames it into place), so a lock whose holder is gone is simply
 * taken over.
 */
export async function withInstallLock<T>(
  path: string,
  onWait: () => void,
  work: () => Promise<T>,
): Promise<T> {
  let waiting = false;
  while (!(await tryLock(path))) {
    if (await isAbandoned(path)) {
      const aside = `${path}.${process.pid.toString()}`;
      await rename(path, aside).then(
        () => rm(aside, { force: true }),
        () => undefined,
      );
      continue;
    }
    if (!waiting) onWait();
    waiting = true;
    await sleep(250);
  }
  const renewal = setInterval(() => {
    const now = new Date();
    void utimes(path, now, now).catch(() => undefined);
  }, renewEvery);
  renewal.unref();
  try {
    return await work();
  } finally {
    clearInterval(renewal);
    await rm(path, { force: true });
  }
}

async function tryLock(path: string): Promise<boolean> {
  try {
    await writeFile(path, JSON.stringify({ host: hostname(), pid: process.pid }), { flag: 'wx' });
    return true;
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false;
    throw error;
  }
}

async function isAbandoned(path: string): Promise<boolean> {
  try {
    const { mtimeMs } = await stat(path);
    if (Date.now() - mtimeMs > staleAfter) return true;
    const owner: unknown = JSON.parse(await readFile(path, 'utf8'));
    if (typeof owner !== 'object' || owner === null) return false;
    if (!('host' in owner) || !('pid' in owner) || typeof owner.pid !== 'number') return false;
    return owner.host === hostname() && !isRunning(owner.pid);
  } catch {
    // Gone already, or not written out yet: look again.
    return false;
  }
}

export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errorCode(error) === 'EPERM';
  }
}
