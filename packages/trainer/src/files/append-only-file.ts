/** A file that grows by whole pieces, so that it can be read at any moment. */
import { closeSync, fsyncSync, ftruncateSync, openSync, writeSync } from 'node:fs';

import { asUserError } from './system-errors';
import type { WriteFunction } from './write-atomically';

export interface AppendOnlyFile {
  /** @throws UserError with the system's reason in words; the file then ends where it ended before */
  append(piece: Uint8Array): void;
  /** Safe to call twice. */
  close(): void;
}

/**
 * Makes the file; it must not exist, and its folder must.
 * @param name what the file is, to follow "Cannot write"
 * @param write stands in for the system's write in tests
 */
export function makeAppendOnlyFile(
  path: string,
  name: string,
  write: WriteFunction = (descriptor, bytes, offset) => writeSync(descriptor, bytes, offset),
): AppendOnlyFile {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(path, 'ax');
  } catch (error) {
    throw asUserError(error, `make ${name}`, path);
  }
  let length = 0;
  return {
    append(piece) {
      if (descriptor === undefined) throw new Error(`The file '${path}' is closed`);
      try {
        // One call, unless the system takes less than all.
        for (let offset = 0; offset < piece.length;) offset += write(descriptor, piece, offset);
      } catch (error) {
        // Part of a piece would make everything after it unreadable.
        ftruncateSync(descriptor, length);
        throw asUserError(error, `write ${name}`, path);
      }
      length += piece.length;
    },
    close() {
      if (descriptor === undefined) return;
      try {
        fsyncSync(descriptor);
      } finally {
        closeSync(descriptor);
        descriptor = undefined;
      }
    },
  };
}
