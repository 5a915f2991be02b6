/**
 * A download on its way: `<etag>.<owner>.incomplete` beside the blob. Python's `<etag>.incomplete` is left alone, for its
 * writer holds a lock that Node cannot ask about.
 */
import { createHash, randomBytes } from 'node:crypto';
import { open, readdir, rename, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, dirname, join } from 'node:path';

import { fileStatus } from '../files/file-status';
import { systemErrorCode } from '../files/system-errors';

/** Whoever downloads has written, or given up, by then. */
const ABANDONED_MILLISECONDS = 150_000;

const HOST = createHash('sha256').update(hostname()).digest('hex').slice(0, 8);
/** With random digits, for a process of the same number may have been there before, as it is in containers. */
const SELF = `${HOST}-${String(process.pid)}-${randomBytes(4).toString('hex')}`;

/** Those of this process that are being written. */
const active = new Set<string>();

export interface PartialFile {
  readonly path: string;
  /** Leaves it to the next who wants it. */
  release(): void;
}

/**
 * Makes the partial file of a blob, or takes over one that was left behind, so that its download goes on. That two do so at
 * the same time is rare, and harmless: the same bytes are written to the same places.
 * @returns undefined while somebody else is downloading the blob
 */
export async function claimPartialFile(blob: string): Promise<PartialFile | undefined> {
  const folder = dirname(blob);
  const own = `${blob}.${SELF}.incomplete`;
  if (active.has(own)) return undefined;
  // From here on no other download of this process gets past the line above.
  active.add(own);
  try {
    const pattern = /^\.([0-9a-f]{8})-(\d+)-([0-9a-f]{8})\.incomplete$/;
    for (const name of await readdir(folder)) {
      const [, host, pid] =
        (name.startsWith(basename(blob)) && pattern.exec(name.slice(basename(blob).length))) || [];
      const path = join(folder, name);
      if (host === undefined || path === own) continue;
      if (await isInUse(path, host, Number(pid))) {
        active.delete(own);
        return undefined;
      }
      if (fileStatus(own) === undefined) await renameIfThere(path, own);
    }
    await (await open(own, 'a')).close();
  } catch (error) {
    active.delete(own);
    throw error;
  }
  return { path: own, release: () => active.delete(own) };
}

async function isInUse(path: string, host: string, pid: number): Promise<boolean> {
  // One with this process's number that it is not writing is its forerunner's.
  if (host === HOST && (pid === process.pid || !isRunning(pid))) return false;
  const age = await stat(path).then(
    ({ mtimeMs }) => Date.now() - mtimeMs,
    () => Infinity,
  );
  return age < ABANDONED_MILLISECONDS;
}

async function renameIfThere(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (error) {
    if (systemErrorCode(error) !== 'ENOENT') throw error;
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return systemErrorCode(error) === 'EPERM';
  }
}
