/** A repository on the hub as a folder of the cache, fetched as far as it is not there. */
import { readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join, sep } from 'node:path';

import { openHubCache, type HubCache } from './cache';
import { connectToHub, type HubConnection } from './connection';
import { diskError, fileBytes, systemErrorCode } from './disk';
import { createFetcher } from './fetcher';
import { HubError, HubUnreachable } from './hub-error';
import { checkHubReference, isCommit } from './hub-name';
import { fetchCommit, isPlainPath } from './listing';
import type { HubOptions, HubStandIns } from './options';
import { exactly, type FileChoice, type RepositoryFiles } from './repository-files';
import { hubSettings } from './settings';

export interface SnapshotOptions extends HubOptions {
  /** Paths with slashes, or a choice such as {@link diffusersFiles}. */
  readonly files: readonly string[] | FileChoice;
  /** Told when all but the weights (`.safetensors`) is there; throws for a model of which the weights need not come. */
  readonly check?: ((snapshot: HubSnapshot) => Promise<void>) | undefined;
}

export interface HubSnapshot {
  /** Holds the files that were asked for, as links; others may be there too. */
  readonly folder: string;
  /** The repository's folder in the cache, that the links stay in. */
  readonly cacheFolder: string;
  readonly commit: string;
}

/** A JSON file that says which files there are has a few MB. */
const MAXIMUM_JSON_BYTES = 32 * 1024 ** 2;

/**
 * Asks the hub where the revision stands, and fetches what the cache lacks of it. A commit that is whole in the cache costs
 * no request, and neither does anything when the settings say so. A hub that is out of reach costs a note, where the cache has
 * the revision as it was last seen.
 *
 * @param standIns for tests
 * @throws HubError, one sentence: no such repository, revision or file, no access, a full disk, a damaged or hostile file, what
 *   the choice of files throws; HubUnreachable; the signal's reason. What has come is kept.
 */
export async function hubSnapshot(
  options: SnapshotOptions,
  standIns: HubStandIns = {},
): Promise<HubSnapshot> {
  const { settings = hubSettings(), signal } = options;
  const choice = typeof options.files === 'function' ? options.files : exactly(options.files);
  const name = checkHubReference(options);
  const cache = openHubCache(settings.cacheFolder, name);
  const cached = cache.commitOf(name.revision);
  const missing =
    cached === undefined
      ? `'${cache.folder}' has no such revision`
      : await whatIsMissing(cache, cached, choice);
  const whole = missing === undefined ? cached : undefined;

  if (whole !== undefined && (settings.offline || isCommit(name.revision))) {
    return snapshotOf(cache, whole);
  }
  if (settings.offline) {
    throw new HubError(
      `${name.text} is not whole in the cache, and HF_HUB_OFFLINE forbids to fetch it: ${String(missing)}`,
    );
  }
  // Who has the files need not wait long for a network that is not there.
  const tries = whole === undefined ? standIns.tries : 2;
  const connection = connectToHub(name, settings, { ...standIns, tries, signal });
  try {
    const commit = await fetchSnapshot(cache, connection, choice, { ...options, ...standIns });
    return snapshotOf(cache, commit);
  } catch (error) {
    if (whole === undefined || !(error instanceof HubUnreachable)) throw error;
    options.onNote?.(`${error.message}. The cache has it as of commit ${whole}.`);
    return snapshotOf(cache, whole);
  }
}

function snapshotOf(cache: HubCache, commit: string): HubSnapshot {
  return { folder: cache.snapshot(commit), cacheFolder: cache.folder, commit };
}

/** @returns the commit */
async function fetchSnapshot(
  cache: HubCache,
  connection: HubConnection,
  choice: FileChoice,
  options: SnapshotOptions & HubStandIns,
): Promise<string> {
  const { name } = connection;
  const commit = await fetchCommit(connection);
  if ((await whatIsMissing(cache, commit, choice)) !== undefined) {
    const fetcher = createFetcher(cache, connection, commit, options);
    const listing = await fetcher.list();
    const fetchFile = async (path: string): Promise<void> => {
      const file = listing.get(path);
      if (file === undefined) throw new HubError(`${name.text} has no ${path}`);
      await fetcher.fetch(file);
    };
    const files = filesOf(cache, commit, new Set(listing.keys()), name.text);
    const chosen = await choice({
      ...files,
      readJson: async (path) => {
        await fetchFile(path);
        return files.readJson(path);
      },
    });
    // Before gigabytes are fetched next to one that is refused.
    fetcher.expect(chosen.flatMap((path) => listing.get(path) ?? []));
    const isWeights = (path: string): boolean => path.endsWith('.safetensors');
    for (const path of chosen.filter((each) => !isWeights(each))) await fetchFile(path);
    await options.check?.(snapshotOf(cache, commit));
    for (const path of chosen.filter(isWeights)) await fetchFile(path);
  }
  // Last, so that a revision that is in the cache is whole there.
  cache.rememberCommit(name.revision, commit);
  return commit;
}

/** @returns a sentence without its end, or undefined for a snapshot that is whole */
async function whatIsMissing(
  cache: HubCache,
  commit: string,
  choice: FileChoice,
): Promise<string | undefined> {
  const folder = cache.snapshot(commit);
  try {
    const there = filesUnder(folder);
    const wanted = await choice(filesOf(cache, commit, there, `'${folder}'`));
    await exactly(wanted)(filesOf(cache, commit, there, `'${folder}'`));
    return undefined;
  } catch (error) {
    if (error instanceof HubError) return error.message;
    throw error;
  }
}

function filesOf(
  cache: HubCache,
  commit: string,
  paths: ReadonlySet<string>,
  name: string,
): RepositoryFiles {
  return {
    name,
    paths,
    async readJson(path) {
      const file = join(cache.snapshot(commit), ...path.split('/'));
      const bytes = fileBytes(file) ?? 0;
      if (bytes > MAXIMUM_JSON_BYTES) {
        throw new HubError(
          `${path} of ${name} has ${bytes} bytes; expected a JSON file of at most ${MAXIMUM_JSON_BYTES}`,
        );
      }
      try {
        return JSON.parse(await readFile(file, 'utf8')) as unknown;
      } catch (error) {
        if (systemErrorCode(error) !== undefined) throw diskError(error, 'read', file);
        throw new HubError(`${path} of ${name} is not valid JSON`, { cause: error });
      }
    },
  };
}

/** Paths with slashes; a link whose blob is gone is none. */
function filesUnder(folder: string): ReadonlySet<string> {
  try {
    const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .map((path) => path.split(sep).join('/'))
      .filter((path) => isPlainPath(path) && fileBytes(join(folder, path)) !== undefined);
    return new Set(paths);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(systemErrorCode(error) ?? '')) return new Set();
    throw diskError(error, 'read', folder);
  }
}
