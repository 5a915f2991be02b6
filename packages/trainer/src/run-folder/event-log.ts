/** `events.jsonl`: one JSON object a line, only ever appended to. */
import {
  closeSync,
  constants,
  fsyncSync,
  ftruncateSync,
  openSync,
  readFileSync,
  truncateSync,
} from 'node:fs';

import { asUserError, systemErrorCode } from '../files/system-errors';
import { writeToDescriptor, type WriteFunction } from '../files/write-atomically';

export interface RunEvent {
  readonly event: string;
  readonly [key: string]: unknown;
}

export interface EventLog {
  /** Lines written so far. */
  readonly count: number;
  append(event: RunEvent): void;
  close(): void;
}

/**
 * Makes the file; it must not exist.
 * @param write stands in for the system's write in tests
 * @throws the system's error with code EEXIST when the file exists; UserError for any other reason
 */
export function openEventLog(path: string, write = writeToDescriptor): EventLog {
  try {
    return eventLogOn(openSync(path, 'ax'), { path, length: 0, count: 0, write });
  } catch (error) {
    if (systemErrorCode(error) === 'EEXIST') throw error;
    throw asUserError(error, 'make the event file', path);
  }
}

/**
 * Goes on with a file. Half a line at its end, left by a crash, is cut off.
 * @throws UserError when it does not exist or cannot be written
 */
export function reopenEventLog(path: string): EventLog {
  try {
    const bytes = readFileSync(path);
    const length = bytes.lastIndexOf(NEWLINE) + 1;
    let count = 0;
    for (let at = bytes.indexOf(NEWLINE); at >= 0; at = bytes.indexOf(NEWLINE, at + 1)) count += 1;
    if (length < bytes.length) truncateSync(path, length);
    // Not to be made anew: what is gone was not this run's.
    const descriptor = openSync(path, constants.O_WRONLY | constants.O_APPEND);
    return eventLogOn(descriptor, { path, length, count, write: writeToDescriptor });
  } catch (error) {
    throw asUserError(error, 'open the event file', path);
  }
}

const NEWLINE = 0x0a;

function eventLogOn(
  opened: number,
  file: { path: string; length: number; count: number; write: WriteFunction },
): EventLog {
  const { path, write } = file;
  let descriptor: number | undefined = opened;
  let { length, count } = file;
  return {
    get count() {
      return count;
    },
    append(event) {
      if (descriptor === undefined) throw new Error(`The event file '${path}' is closed`);
      const bytes = new TextEncoder().encode(`${JSON.stringify(event)}\n`);
      try {
        for (let offset = 0; offset < bytes.length;) offset += write(descriptor, bytes, offset);
      } catch (error) {
        // Half a line would spoil the next one.
        ftruncateSync(descriptor, length);
        throw asUserError(error, 'write the event file', path);
      }
      length += bytes.length;
      count++;
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
