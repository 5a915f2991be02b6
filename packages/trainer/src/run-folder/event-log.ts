/** `events.jsonl`: one JSON object a line, only ever appended to. */
import { closeSync, fsyncSync, ftruncateSync, openSync, writeSync } from 'node:fs';

import { asUserError, systemErrorCode } from '../files/system-errors';
import type { WriteFunction } from '../files/write-atomically';

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
export function openEventLog(
  path: string,
  write: WriteFunction = (descriptor, bytes, offset) => writeSync(descriptor, bytes, offset),
): EventLog {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(path, 'ax');
  } catch (error) {
    if (systemErrorCode(error) === 'EEXIST') throw error;
    throw asUserError(error, 'make the event file', path);
  }
  let length = 0;
  let count = 0;
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
