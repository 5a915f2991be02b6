import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { importPeers } from '../optional-peer';
import { type FileSource, sizeOf } from './file-source';
import type { HubName } from './hub-name';

let downloads = 0;
let { debug } = console;

/** The library tells of each download on standard output, where a machine may be reading. */
async function quietly<T>(download: () => Promise<T>): Promise<T> {
  if (downloads++ === 0) ({ debug } = console);
  console.debug = () => {};
  try {
    return await download();
  } finally {
    if (--downloads === 0) console.debug = debug;
  }
}

const COMMIT = /^[0-9a-f]{40}$/;

/**
 * A model on the hub, whose files are fetched when they are asked for, into the cache that Python's huggingface_hub
 * shares. HF_ENDPOINT and HF_TOKEN say where from and as whom; with HF_HUB_OFFLINE=1 only the cache is read. What the
 * cache holds of a commit costs no request.
 *
 * @throws {Error} when `@huggingface/hub` is not there, or the revision is unknown
 */
export async function openHubFiles(reward: string, name: HubName): Promise<FileSource> {
  const hub = await importPeers(reward, ['@huggingface/hub'], () => import('@huggingface/hub'));
  const { repository, revision } = name;
  const { HF_ENDPOINT, HF_TOKEN, HF_HUB_OFFLINE } = process.env;
  const access = {
    hubUrl: (HF_ENDPOINT || 'https://huggingface.co').replace(/\/+$/, ''),
    ...(HF_TOKEN ? { accessToken: HF_TOKEN } : {}),
  };
  const isOffline = /^(1|on|yes|true)$/i.test(HF_HUB_OFFLINE ?? '');
  const cache = join(
    hub.getHFHubCachePath(),
    hub.getRepoFolderName({ name: repository, type: 'model' }),
  );

  async function currentCommit(): Promise<string> {
    if (COMMIT.test(revision)) return revision;
    try {
      if (isOffline) throw new Error('HF_HUB_OFFLINE forbids to ask');
      const { sha } = await hub.modelInfo({
        name: repository,
        revision,
        additionalFields: ['sha'],
        ...access,
      });
      if (COMMIT.test(sha)) return sha;
      throw new Error('its answer names no commit');
    } catch (error) {
      // As it was when it was last seen, for machines without a network.
      const seen = await readFile(join(cache, 'refs', ...revision.split('/')), 'utf8').catch(
        () => '',
      );
      if (COMMIT.test(seen.trim())) return seen.trim();
      throw unreachable(`the revision '${revision}'`, error);
    }
  }

  function unreachable(what: string, cause: unknown): Error {
    const reason = cause instanceof Error ? cause.message : String(cause);
    return new Error(
      `${what} of hf:${repository} cannot be fetched from ${access.hubUrl}: ${reason}`,
      { cause },
    );
  }

  const commit = await currentCommit();
  return {
    async find(path, maximumBytes) {
      const cached = join(cache, 'snapshots', commit, ...path.split('/'));
      if ((await sizeOf(cached)) !== undefined) return cached;
      if (isOffline) return undefined;
      try {
        const request = { repo: repository, revision: commit, ...access };
        const [info] = await hub.pathsInfo({ ...request, paths: [path] });
        if (info?.type !== 'file') return undefined;
        const bytes = info.lfs?.size ?? info.size;
        if (bytes > maximumBytes) {
          throw new Error(`it has ${bytes} bytes; expected at most ${maximumBytes}`);
        }
        return await quietly(() => hub.downloadFileToCacheDir({ ...request, path }));
      } catch (error) {
        throw unreachable(`'${path}'`, error);
      }
    },
  };
}
