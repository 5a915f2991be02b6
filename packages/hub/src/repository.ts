/** A repository on the hub at one commit, whose files are fetched when they are asked for. */
import { join } from 'node:path';

import { openHubCache } from './cache';
import { connectToHub } from './connection';
import { fileBytes } from './disk';
import { createFetcher } from './fetcher';
import { HubError, HubUnreachable } from './hub-error';
import { checkHubReference, isCommit } from './hub-name';
import { fetchCommit, isPlainPath, type HubFile } from './listing';
import type { HubOptions, HubStandIns } from './options';
import { hubSettings } from './settings';

export interface HubRepository {
  readonly commit: string;
  /** Where the files are that were fetched, as links. */
  readonly folder: string;
  /** The repository's folder in the cache, that the links stay in. */
  readonly cacheFolder: string;
  /**
   * All files by their paths; the hub is asked once.
   * @throws HubError when nothing may be fetched, or the list is one that cannot be trusted; HubUnreachable
   */
  list(): Promise<ReadonlyMap<string, HubFile>>;
  /**
   * @param path plain, with slashes
   * @param maximumBytes in place of the option's; of a file that has to be fetched
   * @returns the file's place on this machine, or undefined when the repository, or offline the cache, has no such file; that
   *   a commit lacks a file is kept too
   * @throws HubError for a path that leads out of the repository, or a file that is too large or damaged; HubUnreachable
   */
  find(path: string, maximumBytes?: number): Promise<string | undefined>;
  /** Keeps where the revision stands, for processes without a network: all files that they need are there now. */
  remember(): void;
}

/**
 * Asks the hub where a branch or tag stands; a commit costs no request, and neither does anything when the settings say so.
 * A hub that is out of reach costs a note, where the cache knows the revision.
 *
 * @param standIns for tests
 * @throws HubError when there is no such repository or revision, or it may not be read; HubUnreachable; the signal's reason
 */
export async function openHubRepository(
  options: HubOptions,
  standIns: HubStandIns = {},
): Promise<HubRepository> {
  const { settings = hubSettings(), signal } = options;
  const name = checkHubReference(options);
  const cache = openHubCache(settings.cacheFolder, name);
  const cached = cache.commitOf(name.revision);
  const tries = cached === undefined ? standIns.tries : 2;
  const connect = (given: HubStandIns) => connectToHub(name, settings, { ...given, signal });

  async function currentCommit(): Promise<string> {
    if (isCommit(name.revision)) return name.revision;
    if (settings.offline) {
      if (cached !== undefined) return cached;
      throw new HubError(
        `${name.text} is not in the cache, and HF_HUB_OFFLINE forbids to fetch it: '${cache.folder}' has no such revision`,
      );
    }
    try {
      return await fetchCommit(connect({ ...standIns, tries }));
    } catch (error) {
      if (cached === undefined || !(error instanceof HubUnreachable)) throw error;
      options.onNote?.(`${error.message}. The cache has it as of commit ${cached}.`);
      return cached;
    }
  }

  const commit = await currentCommit();
  const folder = cache.snapshot(commit);
  const fetcher = createFetcher(cache, connect(standIns), commit, { ...options, ...standIns });
  async function list(): Promise<ReadonlyMap<string, HubFile>> {
    if (!settings.offline) return fetcher.list();
    throw new HubError(`The files of ${name.text} cannot be listed: HF_HUB_OFFLINE forbids it`);
  }
  return {
    commit,
    folder,
    cacheFolder: cache.folder,
    list,
    async find(path, maximumBytes) {
      if (!isPlainPath(path)) {
        throw new HubError(`${JSON.stringify(path)} is no path inside ${name.text}`);
      }
      const place = join(folder, ...path.split('/'));
      if (fileBytes(place) !== undefined) return place;
      if (settings.offline || cache.isKnownToLack(commit, path)) return undefined;
      const file = (await list()).get(path);
      if (file === undefined) {
        cache.rememberLack(commit, path);
        return undefined;
      }
      await fetcher.fetch(file, maximumBytes);
      return place;
    },
    remember: () => cache.rememberCommit(name.revision, commit),
  };
}
