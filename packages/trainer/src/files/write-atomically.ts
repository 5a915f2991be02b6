/**
 * Files that are there whole or not at all.
 *
 * Only `configuration`, `run-folder`, `prompts`, `weights`, `model-card`, `tracking`, `comparison`, `study`, `run`, `api` and
 * `command-line` may import this folder.
 */
import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

import { asUserError } from './system-errors';

/** Writes the bytes from `offset` on and returns how many it took, as `fs.writeSync` does. */
export type WriteFunction = (descriptor: number, bytes: Uint8Array, offset: number) => number;

/** The system's own. */
export const writeToDescriptor: WriteFunction = (descriptor, bytes, offset) =>
  writeSync(descriptor, bytes, offset);

/**
 * Writes a temporary file beside the target, waits until it is on the disk, and renames it: a reader, or a crash at any
 * time, sees the old file or the new one. Folders on the way are made. What fails leaves nothing behind.
 * @param write stands in for the system's write in tests
 * @throws UserError with the system's reason in words
 */
export function writeFileAtomically(
  path: string,
  contents: Uint8Array | string,
  write = writeToDescriptor,
): void {
  const bytes = typeof contents === 'string' ? new TextEncoder().encode(contents) : contents;
  const folder = dirname(path);
  const temporary = `${path}.${String(process.pid)}.tmp`;
  try {
    mkdirSync(folder, { recursive: true });
    writeToDisk(temporary, bytes, write);
    renameSync(temporary, path);
    syncFolder(folder);
  } catch (error) {
    removeLeftover(temporary);
    throw asUserError(error, 'write', path);
  }
}

/** What is wrong was found before, and is what is said. */
export function removeLeftover(path: string): void {
  try {
    rmSync(path, { recursive: true, force: true });
  } catch {
    // It lies where nothing can be made, let alone removed.
  }
}

/** Writes a file and waits until it is on the disk. */
export function writeToDisk(path: string, bytes: Uint8Array, write = writeToDescriptor): void {
  const descriptor = openSync(path, 'w');
  try {
    for (let offset = 0; offset < bytes.length;) offset += write(descriptor, bytes, offset);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** Makes a rename last through a power cut, where the platform lets a folder be opened. */
export function syncFolder(folder: string): void {
  if (process.platform === 'win32') return;
  const descriptor = openSync(folder, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
