/** One file of the hub into the cache: whole, with the hash that the hub gives for it, or not at all. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, rename, rm, statfs, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout } from 'node:timers/promises';

import { HttpError, type HttpAnswer } from '@loop-diffusion/http';

import type { HubConnection } from './connection';
import { diskError, fileBytes, syncFolder } from './disk';
import { lockDownload } from './download-lock';
import { HubError, HubUnreachable } from './hub-error';
import type { HubFile } from './listing';

export interface BlobOptions extends BlobStandIns {
  readonly url: string;
  readonly file: HubFile;
  /** Where the blob will be. */
  readonly target: string;
  /** Where its lock is meanwhile. */
  readonly lock: string;
  /** How much of the file is there; it falls back where a server does not go on in the middle. */
  readonly onBytes?: ((bytes: number) => void) | undefined;
  /** Told once that somebody else has the lock. */
  readonly onWait?: (() => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** For the system, in tests. */
export interface BlobStandIns {
  readonly write?: WriteAt | undefined;
  readonly freeBytes?: ((folder: string) => Promise<number>) | undefined;
}

export type WriteAt = (file: FileHandle, bytes: Uint8Array, position: number) => Promise<unknown>;

const writeAt: WriteAt = async (file, bytes, position) => {
  for (let done = 0; done < bytes.length;) {
    done += (await file.write(bytes, done, bytes.length - done, position + done)).bytesWritten;
  }
};

const WAIT_FOR_OTHERS_MILLISECONDS = 250;
/** A blob of the cache that is no larger is checked anew: nothing else would mend a damaged configuration. */
const QUICKLY_CHECKED_BYTES = 10_000_000;

/**
 * A download on its way lies beside the blob, under a lock. Python's `<etag>.incomplete` is left alone, for its writer holds
 * a lock that Node cannot ask about.
 */
export function partialFile(blob: string): string {
  return `${blob}.loop-diffusion.incomplete`;
}

/**
 * Goes on where an earlier download ended, and waits for one that is under way. What fails leaves the part that has come,
 * apart from one whose hash is wrong.
 * @throws HubError for a refusal, a full disk, or a file that is not the listed one; HubUnreachable; the signal's reason
 */
export async function downloadBlob(
  connection: HubConnection,
  {
    url,
    file,
    target,
    lock,
    onBytes,
    onWait,
    signal,
    write = writeAt,
    freeBytes = freeBytesOf,
  }: BlobOptions,
): Promise<void> {
  const partial = partialFile(target);
  const isThere = async (): Promise<boolean> =>
    fileBytes(target) === file.bytes &&
    (file.bytes > QUICKLY_CHECKED_BYTES || (await etagOf(target, file)) === file.etag);
  try {
    await mkdir(dirname(target), { recursive: true });
    let isWaiting = false;
    while (!(await isThere())) {
      signal?.throwIfAborted();
      const held = await lockDownload(lock);
      if (held === undefined) {
        if (!isWaiting) onWait?.();
        isWaiting = true;
        await setTimeout(WAIT_FOR_OTHERS_MILLISECONDS, undefined, { signal });
        continue;
      }
      try {
        // Somebody may have finished it in between.
        if (!(await isThere())) {
          await checkSpace();
          await fill(held.lost);
          await finish();
        }
      } catch (error) {
        // Somebody took the lock for left behind: they go on with it, and are waited for, or have finished it.
        const isTheirs = held.lost.aborted || (await isThere());
        if (!isTheirs || signal?.aborted === true) throw error;
      } finally {
        await held.release();
      }
    }
    onBytes?.(file.bytes);
  } catch (error) {
    signal?.throwIfAborted();
    throw diskError(error, 'write', target);
  }

  async function checkSpace(): Promise<void> {
    const missing = file.bytes - (fileBytes(partial) ?? 0);
    const free = await freeBytes(dirname(target));
    if (missing > free) {
      throw new HubError(
        `${file.path} of ${connection.name.text} needs ${megabytes(missing)} more on the disk of '${dirname(target)}', which has ${megabytes(free)}; free some, or set HF_HUB_CACHE to a folder on another disk`,
      );
    }
  }

  /** Until it has all bytes. */
  async function fill(lost: AbortSignal): Promise<void> {
    await (await open(partial, 'a')).close();
    const handle = await open(partial, 'r+');
    try {
      let size = (await handle.stat()).size;
      const cutTo = async (length: number): Promise<void> => {
        await handle.truncate(length);
        size = length;
      };
      if (size > file.bytes) await cutTo(0);
      onBytes?.(size);
      const receive = async (answer: HttpAnswer): Promise<void> => {
        if (size > 0 && !continuesAt(answer, size)) {
          await cutTo(0);
          if (answer.status !== 200) {
            throw new HttpError(
              'disconnected',
              `${connection.endpoint} does not go on with ${file.path}`,
            );
          }
        }
        for await (const chunk of answer.chunks()) {
          lost.throwIfAborted();
          if (size + chunk.length > file.bytes) {
            await cutTo(0);
            throw new HubError(
              `${file.path} of ${connection.name.text} is longer than the ${file.bytes} bytes that the hub lists; try again later`,
            );
          }
          await write(handle, chunk, size);
          size += chunk.length;
          onBytes?.(size);
        }
        if (size < file.bytes) {
          throw new HttpError(
            'disconnected',
            `${file.path} ended after ${size} of ${file.bytes} bytes`,
          );
        }
      };
      if (size < file.bytes) {
        await connection.request(
          {
            url,
            headers: () => requestHeaders(size),
            accepts: (status) => status === 200 || status === 206 || status === 416,
            // Counted above, by what the hub lists.
            maximumBytes: Infinity,
            progress: () => size,
          },
          receive,
        );
      }
      await handle.sync();
    } catch (error) {
      if (!(error instanceof HubUnreachable)) throw error;
      throw new HubUnreachable(`${error.message}; what has come is kept, run again to go on`, {
        cause: error,
      });
    } finally {
      await handle.close();
    }
  }

  /** Checks what is on the disk, which an earlier process may have written, and puts it into its place. */
  async function finish(): Promise<void> {
    if ((await etagOf(partial, file)) !== file.etag) {
      await rm(partial, { force: true });
      throw new HubError(
        `${file.path} of ${connection.name.text} arrived damaged: its hash is not the one that the hub lists; it was removed, run again to fetch it anew`,
      );
    }
    await rename(partial, target);
    syncFolder(dirname(target));
  }
}

function requestHeaders(offset: number): Record<string, string> {
  // Of a compressed answer no part could be asked for.
  const headers = { 'accept-encoding': 'identity' };
  return offset === 0 ? headers : { ...headers, range: `bytes=${offset}-` };
}

function continuesAt({ status, headers }: HttpAnswer, offset: number): boolean {
  const range = headers.get('Content-Range') ?? '';
  return status === 206 && range.startsWith(`bytes ${offset}-`);
}

/** SHA-256 of a large file; of others SHA-1 with git's head before the content. */
async function etagOf(path: string, { etag, bytes }: HubFile): Promise<string> {
  const isLarge = etag.length === 64;
  const hash = createHash(isLarge ? 'sha256' : 'sha1');
  if (!isLarge) hash.update(`blob ${bytes}\0`);
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 ** 2 })) {
    hash.update(chunk as Buffer);
  }
  return hash.digest('hex');
}

async function freeBytesOf(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(0)} MB`;
}
