/**
 * A repository's folder in the hub's cache, which Python's huggingface_hub reads and writes too:
 *
 *     models--owner--name/blobs/<etag>                the files by their hash
 *                         refs/<revision>             the commit that a branch or tag was last seen at
 *                         snapshots/<commit>/<path>   relative links into blobs
 */
import { copyFileSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

import { fileStatus } from '../files/file-status';
import { asUserError, systemErrorCode } from '../files/system-errors';
import { removeLeftover, writeFileAtomically } from '../files/write-atomically';
import { isCommit } from './hub-model';

export interface HubCache {
  readonly folder: string;
  blob(etag: string): string;
  snapshot(commit: string): string;
  /** @returns undefined for a revision that was never fetched */
  commitOf(revision: string): string | undefined;
  /** Does nothing where it cannot be written: the snapshot serves without it, as in a cache that others own. */
  rememberCommit(revision: string, commit: string): void;
  /**
   * Puts a blob into a snapshot.
   * @param path a plain one with slashes, which was checked
   * @throws UserError with the system's reason
   */
  link(commit: string, path: string, etag: string): void;
}

/** @param symlink stands in for the system's in tests */
export function openHubCache(cacheFolder: string, name: string, symlink = symlinkSync): HubCache {
  const folder = join(cacheFolder, `models--${name.replaceAll('/', '--')}`);
  const blob = (etag: string) => join(folder, 'blobs', etag);
  const snapshot = (commit: string) => join(folder, 'snapshots', commit);
  const reference = (revision: string) => join(folder, 'refs', ...revision.split('/'));

  function commitOf(revision: string): string | undefined {
    if (isCommit(revision)) return revision;
    try {
      const commit = readFileSync(reference(revision), 'utf8').trim();
      return isCommit(commit) ? commit : undefined;
    } catch (error) {
      const code = systemErrorCode(error) ?? '';
      if (['ENOENT', 'ENOTDIR', 'EISDIR'].includes(code)) return undefined;
      throw asUserError(error, 'read', reference(revision));
    }
  }

  return {
    folder,
    blob,
    snapshot,
    commitOf,
    rememberCommit(revision, commit) {
      try {
        if (commitOf(revision) !== commit) writeFileAtomically(reference(revision), commit);
      } catch {
        // See above.
      }
    },
    link(commit, path, etag) {
      const target = blob(etag);
      const place = join(snapshot(commit), ...path.split('/'));
      if (fileStatus(place)?.isFile() === true) return;
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
        throw asUserError(error, 'write', place);
      }
    },
  };
}

/** For systems where links need a right that users do not have. */
function copyAtomically(from: string, to: string): void {
  const temporary = `${to}.${String(process.pid)}.tmp`;
  try {
    copyFileSync(from, temporary);
    renameSync(temporary, to);
  } finally {
    removeLeftover(temporary);
  }
}
