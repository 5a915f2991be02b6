/** One download of a file at a time, among all processes that share the cache, on other machines too. */
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';

export interface DownloadLock {
  /** Aborted when somebody took the lock for left behind, as after a machine has slept. */
  readonly lost: AbortSignal;
  release(): Promise<void>;
}

/** A holder that was killed is waited for so long; one that lives says so five times as often. */
const STALE_MILLISECONDS = 20_000;

/**
 * @param path is made as a folder, and is gone after the release
 * @returns undefined while somebody holds it
 */
export async function lockDownload(
  path: string,
  stale = STALE_MILLISECONDS,
): Promise<DownloadLock | undefined> {
  // It listens for the end of the process, which is nobody's wish who has all files.
  const { lock } = await import('proper-lockfile');
  await mkdir(dirname(path), { recursive: true });
  const lost = new AbortController();
  try {
    const release = await lock(path, {
      lockfilePath: path,
      realpath: false,
      stale,
      update: stale / 5,
      onCompromised: (error) => lost.abort(error),
    });
    return {
      lost: lost.signal,
      async release() {
        if (!lost.signal.aborted) await release();
      },
    };
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ELOCKED') return undefined;
    throw error;
  }
}
