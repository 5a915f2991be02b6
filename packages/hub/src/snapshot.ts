/** A model on the hub as a folder of the cache, fetched as far as it is not there. */
import { readdirSync } from 'node:fs';
import { join, sep } from 'node:path';

import { fileStatus } from '../files/file-status';
import { maximumModelFileBytes } from '../files/node-folder-reader';
import { readBytes } from '../files/read-bytes';
import { asUserError, systemErrorCode } from '../files/system-errors';
import type { OutputStream } from '../terminal/output';
import { UserError } from '../user-error';
import { connectToHub, type ConnectionOptions, type HubConnection } from './connection';
import { downloadBlob, type BlobOptions } from './download-blob';
import { createDownloadProgress } from './download-progress';
import { openHubCache, type HubCache } from './hub-cache';
import { isCommit, type HubModel } from './hub-model';
import type { HubSettings } from './hub-settings';
import { fetchCommit, fetchListing, isPlainPath, type ListedFile } from './listing';
import { modelFiles, type ModelSource } from './model-files';
import { HubUnreachable } from './retries';

export interface SnapshotOptions
  extends ConnectionOptions, Pick<BlobOptions, 'write' | 'freeBytes'> {
  /** Where progress and notes go. */
  readonly output: OutputStream;
  /** Notes alone. */
  readonly quiet?: boolean | undefined;
  /** Told when all but the weights is there; throws for a model of which the weights need not come. */
  readonly check?: ((snapshot: HubSnapshot) => Promise<void>) | undefined;
}

export interface HubSnapshot {
  /** A whole diffusers folder, whose files are links. */
  readonly folder: string;
  /** That the links stay in. */
  readonly repository: string;
}

/**
 * Asks the hub where the revision stands, and fetches what the cache lacks of it. A commit that is whole in the cache costs
 * no request, and neither does anything when the settings say so. A hub that is out of reach costs a note, where the cache has
 * the revision as it was last seen.
 *
 * @throws UserError, one sentence: no such model or revision, no access, no network, a full disk, a damaged or hostile file, or
 *   a repository that is no Stable Diffusion with safetensors weights. What has come is kept.
 */
export async function hubSnapshot(
  model: HubModel,
  settings: HubSettings,
  options: SnapshotOptions,
): Promise<HubSnapshot> {
  const cache = openHubCache(settings.cacheFolder, model.name);
  const cached = cache.commitOf(model.revision);
  const snapshot = (commit: string): HubSnapshot => ({
    folder: cache.snapshot(commit),
    repository: cache.folder,
  });
  const missing =
    cached === undefined
      ? `'${cache.folder}' has no such revision`
      : await whatIsMissing(cache, cached);
  const whole = missing === undefined ? cached : undefined;

  if (whole !== undefined && (settings.offline || isCommit(model.revision))) return snapshot(whole);
  if (settings.offline) {
    throw new UserError(
      `${model.text} is not whole in the cache, and HF_HUB_OFFLINE forbids to fetch it: ${String(missing)}`,
    );
  }
  // Who has the model need not wait long for a network that is not there.
  const tries = whole === undefined ? options.tries : 2;
  const connection = connectToHub(model, settings, { ...options, tries });
  try {
    return snapshot(await fetchSnapshot(cache, connection, options));
  } catch (error) {
    if (whole === undefined || !(error instanceof HubUnreachable)) throw error;
    options.output.write(`${error.message}. The cache has it as of commit ${whole}.\n`);
    return snapshot(whole);
  }
}

/** @returns the commit */
async function fetchSnapshot(
  cache: HubCache,
  connection: HubConnection,
  options: SnapshotOptions,
): Promise<string> {
  const { model, endpoint } = connection;
  const commit = await fetchCommit(connection);
  if ((await whatIsMissing(cache, commit)) !== undefined) {
    const listing = await fetchListing(connection, commit);
    const progress = createDownloadProgress(options.output, {
      name: model.text,
      quiet: options.quiet === true,
    });
    const fetched = new Set<string>();
    const fetchFile = async (path: string): Promise<void> => {
      const file = listing.get(path);
      if (file === undefined || fetched.has(path)) return;
      checkSize(file, model);
      const target = cache.blob(file.etag);
      const url = `${endpoint}/${model.name}/resolve/${commit}/${path.split('/').map(encodeURIComponent).join('/')}`;
      const onBytes = progress.start(path);
      const { write, freeBytes } = options;
      await downloadBlob(connection, { url, file, target, onBytes, write, freeBytes });
      cache.link(commit, path, file.etag);
      progress.finish(path, file.bytes);
      fetched.add(path);
    };
    try {
      const source = sourceOf(cache, commit, new Set(listing.keys()), model.text);
      const files = await modelFiles({
        ...source,
        readJson: async (path) => {
          await fetchFile(path);
          return source.readJson(path);
        },
      });
      // Before gigabytes are fetched next to one that is refused.
      const listed = files.flatMap((path) => listing.get(path) ?? []);
      for (const file of listed) checkSize(file, model);
      progress.expect(listed.reduce((sum, { bytes }) => sum + bytes, 0));
      const isWeights = (path: string): boolean => path.endsWith('.safetensors');
      for (const path of files.filter((each) => !isWeights(each))) await fetchFile(path);
      await options.check?.({ folder: cache.snapshot(commit), repository: cache.folder });
      for (const path of files.filter(isWeights)) await fetchFile(path);
    } finally {
      progress.close();
    }
  }
  // Last, so that a revision that is in the cache is whole there.
  cache.rememberCommit(model.revision, commit);
  return commit;
}

function checkSize({ path, bytes }: ListedFile, model: HubModel): void {
  const maximum = maximumModelFileBytes(path);
  if (bytes > maximum) {
    throw new UserError(
      `${path} of ${model.text} has ${bytes} bytes, and at most ${maximum} are fetched`,
    );
  }
}

/** @returns a sentence without its end, or undefined for a snapshot that is whole */
async function whatIsMissing(cache: HubCache, commit: string): Promise<string | undefined> {
  const folder = cache.snapshot(commit);
  try {
    await modelFiles(sourceOf(cache, commit, filesUnder(folder), `'${folder}'`));
    return undefined;
  } catch (error) {
    if (error instanceof UserError) return error.message;
    throw error;
  }
}

function sourceOf(
  cache: HubCache,
  commit: string,
  paths: ReadonlySet<string>,
  name: string,
): ModelSource {
  return {
    name,
    paths,
    async readJson(path) {
      const file = join(cache.snapshot(commit), ...path.split('/'));
      const bytes = await readBytes(file, {
        what: 'file',
        maximumBytes: maximumModelFileBytes(path),
      });
      try {
        return JSON.parse(new TextDecoder().decode(bytes)) as unknown;
      } catch (error) {
        throw new UserError(`${path} of ${name} is not valid JSON`, { cause: error });
      }
    },
  };
}

/** Paths with slashes; a link whose blob is gone is none. */
function filesUnder(folder: string): ReadonlySet<string> {
  try {
    const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .map((path) => path.split(sep).join('/'))
      .filter((path) => isPlainPath(path) && fileStatus(join(folder, path))?.isFile() === true);
    return new Set(paths);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(systemErrorCode(error) ?? '')) return new Set();
    throw asUserError(error, 'read', folder);
  }
}
