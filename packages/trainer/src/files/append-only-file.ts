/** A file that grows by whole pieces, so that it can be read at any moment. */
import { closeSync, constants, fstatSync, fsyncSync, ftruncateSync, openSync } from 'node:fs';

import { UserError } from '../user-error';
import { asUserError } from './system-errors';
import { writeToDescriptor, type WriteFunction } from './write-atomically';

export interface AppendOnlyFile {
  /** @throws UserError with the system's reason in words; the file, if it is still there, then ends where it ended before */
  append(piece: Uint8Array): void;
  /** Safe to call twice. */
  close(): void;
}

/**
 * Makes the file; it must not exist, and its folder must.
 * @param name what the file is, to follow "Cannot write"
 * @param write stands in for the system's write in tests
 * @throws UserError whose cause is the system's error
 */
export function makeAppendOnlyFile(
  path: string,
  name: string,
  write = writeToDescriptor,
): AppendOnlyFile {
  try {
    return appendTo(openSync(path, 'ax'), 0, { path, name, write });
  } catch (error) {
    throw asUserError(error, `make ${name}`, path);
  }
}

/**
 * Goes on with a file that is there, after its first `length` bytes; what follows them is cut off.
 * @param name as for {@link makeAppendOnlyFile}
 */
export function reopenAppendOnlyFile(path: string, name: string, length: number): AppendOnlyFile {
  try {
    // Not to be made anew: what is gone was not this one.
    const descriptor = openSync(path, constants.O_WRONLY | constants.O_APPEND);
    ftruncateSync(descriptor, length);
    return appendTo(descriptor, length, { path, name, write: writeToDescriptor });
  } catch (error) {
    throw asUserError(error, `open ${name}`, path);
  }
}

function appendTo(
  opened: number,
  begin: number,
  { path, name, write }: { path: string; name: string; write: WriteFunction },
): AppendOnlyFile {
  let descriptor: number | undefined = opened;
  let length = begin;
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
      if (fstatSync(descriptor).nlink === 0) {
        throw new UserError(`Cannot write ${name} '${path}': it was removed, or its folder was`);
      }
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
