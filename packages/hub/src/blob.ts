/** One file of the hub into the cache: whole, with the hash that the hub gives for it, or not at all. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, rename, rm, statfs, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout } from 'node:timers/promises';

import { fileStatus } from '../files/file-status';
import { asUserError, systemErrorCode } from '../files/system-errors';
import { syncFolder } from '../files/write-atomically';
import { UserError } from '../user-error';
import type { HubConnection } from './connection';
import type { ListedFile } from './listing';
import { claimPartialFile } from './partial-file';
import { HubUnreachable, TemporaryFailure } from './retries';

export interface BlobOptions {
  readonly url: string;
  readonly file: ListedFile;
  /** Where the blob will be. */
  readonly target: string;
  /** How much of the file is there; it falls back where a server does not go on in the middle. */
  readonly onBytes?: ((bytes: number) => void) | undefined;
  /** Stands in for the system's write in tests. */
  readonly write?: WriteAt | undefined;
  /** Stands in for the system's answer in tests. */
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
 * Goes on where an earlier download ended, and waits for one that is under way. What fails leaves the part that has come,
 * apart from one whose hash is wrong.
 * @throws UserError for a refusal, a full disk, or a file that is not the listed one; HubUnreachable
 */
export async function downloadBlob(
  connection: HubConnection,
  { url, file, target, onBytes, write = writeAt, freeBytes = freeBytesOf }: BlobOptions,
): Promise<void> {
  const isThere = async (): Promise<boolean> =>
    fileStatus(target)?.size === file.bytes &&
    (file.bytes > QUICKLY_CHECKED_BYTES || (await etagOf(target, file)) === file.etag);
  try {
    await mkdir(dirname(target), { recursive: true });
    while (!(await isThere())) {
      const partial = await claimPartialFile(target);
      if (partial === undefined) {
        await setTimeout(WAIT_FOR_OTHERS_MILLISECONDS);
        continue;
      }
      try {
        const missing = file.bytes - (fileStatus(partial.path)?.size ?? 0);
        const free = await freeBytes(dirname(target));
        if (missing > free) {
          throw new UserError(
            `${file.path} of ${connection.model.text} needs ${megabytes(missing)} more on the disk of '${dirname(target)}', which has ${megabytes(free)}; free some, or set HF_HUB_CACHE to a folder on another disk`,
          );
        }
        await fill(partial.path);
        await finish(partial.path);
      } finally {
        partial.release();
      }
    }
    onBytes?.(file.bytes);
  } catch (error) {
    throw asUserError(error, `fetch ${connection.model.text} into`, target);
  }

  /** Until it has all bytes. */
  async function fill(path: string): Promise<void> {
    const handle = await open(path, 'r+');
    try {
      let size = (await handle.stat()).size;
      const cutTo = async (length: number): Promise<void> => {
        await handle.truncate(length);
        size = length;
      };
      if (size > file.bytes) await cutTo(0);
      onBytes?.(size);
      const attempt = (): Promise<void> =>
        connection.stream(url, requestHeaders(size), async (response, body) => {
          if (size > 0 && !continuesAt(response, size)) {
            await cutTo(0);
            if (response.status !== 200) {
              throw new TemporaryFailure(
                `${connection.endpoint} does not go on with ${file.path} of ${connection.model.text}`,
              );
            }
          }
          for await (const chunk of body) {
            if (size + chunk.length > file.bytes) {
              await cutTo(0);
              throw new UserError(
                `${file.path} of ${connection.model.text} is longer than the ${file.bytes} bytes that the hub lists; try again later`,
              );
            }
            await write(handle, chunk, size);
            size += chunk.length;
            onBytes?.(size);
          }
          if (size < file.bytes) {
            throw new TemporaryFailure(
              `${file.path} of ${connection.model.text} ended after ${size} of ${file.bytes} bytes`,
            );
          }
        });
      if (size < file.bytes) await connection.retry(attempt, () => size);
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

  /** Checks what is on the disk, which others may have written too, and puts it into its place. */
  async function finish(path: string): Promise<void> {
    if ((await etagOf(path, file)) !== file.etag) {
      await rm(path, { force: true });
      throw new UserError(
        `${file.path} of ${connection.model.text} arrived damaged: its hash is not the one that the hub lists; it was removed, run again to fetch it anew`,
      );
    }
    try {
      await rename(path, target);
    } catch (error) {
      // Somebody took it over, and it is theirs to finish.
      if (systemErrorCode(error) !== 'ENOENT') throw error;
    }
    syncFolder(dirname(target));
  }
}

function requestHeaders(offset: number): Record<string, string> {
  // Of a compressed answer no part could be asked for.
  const headers = { 'Accept-Encoding': 'identity' };
  return offset === 0 ? headers : { ...headers, Range: `bytes=${offset}-` };
}

function continuesAt(response: Response, offset: number): boolean {
  const range = response.headers.get('Content-Range') ?? '';
  return response.status === 206 && range.startsWith(`bytes ${offset}-`);
}

/** SHA-256 of a large file; of others SHA-1 with git's head before the content. */
async function etagOf(path: string, { etag, bytes }: ListedFile): Promise<string> {
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
