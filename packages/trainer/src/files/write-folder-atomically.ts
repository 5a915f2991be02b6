/** Folders that are there whole or not at all. */
import { mkdirSync, renameSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { setImmediate } from 'node:timers/promises';

import { UserError } from '../user-error';
import { fileStatus } from './file-status';
import { asUserError } from './system-errors';
import { removeLeftover, syncFolder, writeToDescriptor, writeToDisk } from './write-atomically';

/** @throws UserError when something is there under this name */
export function checkNewFolder(folder: string): void {
  if (fileStatus(folder) === undefined) return;
  throw new UserError(`'${folder}' exists already and is never overwritten; name another folder`);
}

/**
 * Writes a temporary folder beside the target, waits until it is on the disk, and renames it. Folders on the way are made. What
 * fails, or is interrupted between two files, leaves nothing behind.
 *
 * @param files by their paths in the folder, with `/`
 * @param options `write` stands in for the system's write in tests
 * @throws UserError when the folder exists, or with the system's reason in words; AbortError
 */
export async function writeFolderAtomically(
  folder: string,
  files: Iterable<readonly [path: string, bytes: Uint8Array]>,
  {
    signal,
    write = writeToDescriptor,
  }: { signal?: AbortSignal | undefined; write?: typeof writeToDescriptor },
): Promise<void> {
  checkNewFolder(folder);
  const target = resolve(folder);
  const temporary = `${target}.${String(process.pid)}.tmp`;
  const folders = new Set([temporary]);
  try {
    for (const [path, bytes] of files) {
      // Between two files signals are heard.
      await setImmediate();
      signal?.throwIfAborted();
      const file = join(temporary, ...path.split('/'));
      mkdirSync(dirname(file), { recursive: true });
      folders.add(dirname(file));
      writeToDisk(file, bytes, write);
    }
    for (const written of folders) syncFolder(written);
    checkNewFolder(folder);
    renameSync(temporary, target);
    syncFolder(dirname(target));
  } catch (error) {
    removeLeftover(temporary);
    throw asUserError(error, 'write the folder', folder);
  }
}
