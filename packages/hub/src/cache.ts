/**
 * A repository's folder in the hub's cache, which Python's huggingface_hub reads and writes too; of a dataset it is
 * `datasets--owner--name`:
 *
 *     models--owner--name/blobs/<etag>                the files by their hash
 *                         refs/<revision>             the commit that a branch or tag was last seen at
 *                         snapshots/<commit>/<path>   relative links into blobs
 *                         .no_exist/<commit>/<path>   empty, for files that the commit is known not to have
 */
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';

import { diskError, fileBytes, syncFolder, systemErrorCode } from './disk';
import { isCommit, type HubName, type HubType } from './hub-name';

export interface HubCache {
  readonly folder: string;
  blob(etag: string): string;
  /** Of the download of a blob; apart from the blobs, where Python has its locks too. */
  lock(etag: string): string;
  snapshot(commit: string): string;
  /** @returns undefined for a revision that was never fetched */
  commitOf(revision: string): string | undefined;
  /** Does nothing where it cannot be written: the snapshot serves without it, as in a cache that others own. */
  rememberCommit(revision: string, commit: string): void;
  isKnownToLack(commit: string, path: string): boolean;
  /** Does nothing where it cannot be written, likewise. */
  rememberLack(commit: string, path: string): void;
  /**
   * Puts a blob into a snapshot.
   * @param path a plain one with slashes, which was checked
   * @throws HubError with the system's reason
   */
  link(commit: string, path: string, etag: string): void;
}

/** @param symlink stands in for the system's in tests */
export function openHubCache(
  cacheFolder: string,
  { type, repository }: Pick<HubName, 'type' | 'repository'>,
  symlink = symlinkSync,
): HubCache {
  const folderName = `${type}s--${repository.replaceAll('/', '--')}`;
  const folder = join(cacheFolder, folderName);
  const blob = (etag: string) => join(folder, 'blobs', etag);
  const snapshot = (commit: string) => join(folder, 'snapshots', commit);
  const lack = (commit: string, path: string) =>
    join(folder, '.no_exist', commit, ...path.split('/'));
  const reference = (revision: string) => join(folder, 'refs', ...revision.split('/'));

  function commitOf(revision: string): string | undefined {
    if (isCommit(revision)) return revision;
    try {
      const commit = readFileSync(reference(revision), 'utf8').trim();
      return isCommit(commit) ? commit : undefined;
    } catch (error) {
      const code = systemErrorCode(error) ?? '';
      if (['ENOENT', 'ENOTDIR', 'EISDIR'].includes(code)) return undefined;
      throw diskError(error, 'read', reference(revision));
    }
  }

  return {
    folder,
    blob,
    // Python's is a file, `<etag>.lock`.
    lock: (etag) => join(cacheFolder, '.locks', folderName, `${etag}.download`),
    snapshot,
    commitOf,
    rememberCommit(revision, commit) {
      try {
        if (commitOf(revision) !== commit) writeAtomically(reference(revision), commit);
      } catch {
        // See above.
      }
    },
    isKnownToLack: (commit, path) => fileBytes(lack(commit, path)) !== undefined,
    rememberLack(commit, path) {
      const place = lack(commit, path);
      try {
        mkdirSync(dirname(place), { recursive: true });
        writeFileSync(place, '');
      } catch {
        // See above.
      }
    },
    link(commit, path, etag) {
      const target = blob(etag);
      const place = join(snapshot(commit), ...path.split('/'));
      if (fileBytes(place) !== undefined) return;
      try {
        mkdirSync(dirname(place), { recursive: true });
        // One that leads nowhere.
        rmSync(place, { force: true });
        try {
          symlink(relative(dirname(place), target), place);
        } catch (error) {
          if (systemErrorCode(error) !== 'EEXIST') copyAtomically(target, place);
        }
      } catch (error) {
        throw diskError(error, 'write', place);
      }
    },
  };
}

/** For systems where links need a right that users do not have. */
function copyAtomically(from: string, to: string): void {
  atomically(to, (temporary) => copyFileSync(from, temporary));
}

function writeAtomically(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  atomically(path, (temporary) => writeFileSync(temporary, text, { flush: true }));
  syncFolder(dirname(path));
}

function atomically(path: string, write: (temporary: string) => void): void {
  const temporary = `${path}.${String(process.pid)}.tmp`;
  try {
    write(temporary);
    renameSync(temporary, path);
  } finally {
    rmSync(temporary, { force: true });
  }
}

export interface CachedSnapshot {
  /** Of the repository; links of the snapshot stay in it. */
  readonly folder: string;
  /** In which the snapshot's links end. */
  readonly blobs: string;
  /** `owner/name`, or the name alone of the hub's oldest repositories. */
  readonly repository: string;
  readonly type: HubType;
  readonly commit: string;
}

const SNAPSHOT =
  /^(.*[\\/](model|dataset)s--([^\\/]+))[\\/]snapshots[\\/]([0-9a-f]{40})(?=[\\/]|$)/;

/**
 * Whose snapshot a path leads into, by its form and not by the settings: what `snapshot_download` of Python returns, or a
 * file or folder in it.
 * @returns undefined for any other path, and where there are no blobs beside the snapshots
 */
export function hubCacheOf(path: string): CachedSnapshot | undefined {
  const [, folder = '', type = '', name = '', commit = ''] = SNAPSHOT.exec(resolve(path)) ?? [];
  const blobs = `${folder}${sep}blobs`;
  if (folder === '' || !existsSync(blobs)) return undefined;
  return { folder, blobs, repository: name.replaceAll('--', '/'), type: type as HubType, commit };
}
