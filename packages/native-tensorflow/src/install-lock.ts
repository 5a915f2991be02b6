import { readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { errorCode } from './errors';

const renewEvery = 10_000;

/**
 * A holder whose lock has not been renewed for this long counts as gone: on another machine, of which no more is known,
 * and on this one, where its process id may have gone to somebody else and a busy machine may delay the renewal.
 */
const staleAfter = { elsewhere: 120_000, here: 600_000 };

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
    const age = Date.now() - (await stat(path)).mtimeMs;
    const owner = parseOwner(await readFile(path, 'utf8'));
    if (owner?.host !== hostname()) return age > staleAfter.elsewhere;
    return !isRunning(owner.pid) || age > staleAfter.here;
  } catch {
    return false; // Gone meanwhile: try to lock again.
  }
}

/** Null for a lock that was not written out, because its holder was killed on the spot. */
function parseOwner(text: string): { readonly host: string; readonly pid: number } | null {
  try {
    const owner = JSON.parse(text) as { host?: unknown; pid?: unknown } | null;
    if (typeof owner?.host !== 'string' || typeof owner.pid !== 'number') return null;
    return { host: owner.host, pid: owner.pid };
  } catch {
    return null;
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
