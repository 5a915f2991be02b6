/** Fetches files of one commit into the cache. */
import { downloadBlob } from './blob';
import type { HubCache } from './cache';
import type { HubConnection } from './connection';
import { HubError } from './hub-error';
import { pathOnHub } from './hub-name';
import { fetchListing, type HubFile } from './listing';
import { MAXIMUM_BYTES, type HubOptions, type HubStandIns } from './options';

export interface Fetcher {
  /** Asks the hub once. */
  list(): Promise<ReadonlyMap<string, HubFile>>;
  /** @throws HubError when one of the files is too large, before any comes */
  expect(files: readonly HubFile[]): void;
  /**
   * Does nothing for one that was fetched before.
   * @param maximumBytes in place of the option's
   */
  fetch(file: HubFile, maximumBytes?: number): Promise<void>;
}

export function createFetcher(
  cache: HubCache,
  connection: HubConnection,
  commit: string,
  {
    onNote,
    onProgress,
    signal,
    maximumBytes = () => MAXIMUM_BYTES,
    write,
    freeBytes,
  }: HubOptions & HubStandIns,
): Fetcher {
  const { name, endpoint } = connection;
  const fetched = new Set<string>();
  let listing: Promise<ReadonlyMap<string, HubFile>> | undefined;
  let totalBytes: number | undefined;

  function checkSize({ path, bytes }: HubFile, maximum = maximumBytes(path)): void {
    if (bytes > maximum) {
      throw new HubError(
        `${path} of ${name.text} has ${bytes} bytes, and at most ${maximum} are fetched`,
      );
    }
  }

  return {
    async list() {
      try {
        return await (listing ??= fetchListing(connection, commit));
      } catch (error) {
        listing = undefined;
        throw error;
      }
    },
    expect(files) {
      for (const file of files) checkSize(file);
      totalBytes = files.reduce((sum, { bytes }) => sum + bytes, 0);
    },
    async fetch(file, maximum) {
      const { path, etag, bytes: size } = file;
      if (fetched.has(path)) return;
      checkSize(file, maximum);
      const tell = (bytes: number, isDone: boolean) =>
        onProgress?.({ path, bytes, fileBytes: size, totalBytes, isDone });
      await downloadBlob(connection, {
        url: `${endpoint}/${pathOnHub(name)}/resolve/${commit}/${path.split('/').map(encodeURIComponent).join('/')}`,
        file,
        target: cache.blob(etag),
        lock: cache.lock(etag),
        onBytes: (bytes) => tell(bytes, false),
        onWait: () =>
          onNote?.(
            `${path} of ${name.text} is being fetched already, or was by a process that was killed; waiting for it.`,
          ),
        ...{ signal, write, freeBytes },
      });
      cache.link(commit, path, etag);
      fetched.add(path);
      tell(size, true);
    },
  };
}
