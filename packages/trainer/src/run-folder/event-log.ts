/** `events.jsonl`: one JSON object a line, only ever appended to. */
import { readFileSync } from 'node:fs';

import {
  makeAppendOnlyFile,
  reopenAppendOnlyFile,
  type AppendOnlyFile,
} from '../files/append-only-file';
import { asUserError } from '../files/system-errors';
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

const NAME = 'the event file';
const NEWLINE = 0x0a;

/**
 * Makes the file; it must not exist.
 * @param write stands in for the system's write in tests
 * @throws UserError whose cause is the system's error
 */
export function openEventLog(path: string, write?: WriteFunction): EventLog {
  return eventLogIn(makeAppendOnlyFile(path, NAME, write), 0);
}

/**
 * Goes on with a file. Half a line at its end, left by a crash, is cut off.
 * @throws UserError when it does not exist or cannot be written
 */
export function reopenEventLog(path: string): EventLog {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    throw asUserError(error, `read ${NAME}`, path);
  }
  let count = 0;
  let length = 0;
  for (let at = bytes.indexOf(NEWLINE); at >= 0; at = bytes.indexOf(NEWLINE, length)) {
    count += 1;
    length = at + 1;
  }
  return eventLogIn(reopenAppendOnlyFile(path, NAME, length), count);
}

function eventLogIn(file: AppendOnlyFile, lines: number): EventLog {
  let count = lines;
  return {
    get count() {
      return count;
    },
    append(event) {
      file.append(new TextEncoder().encode(`${JSON.stringify(event)}\n`));
      count++;
    },
    close() {
      file.close();
    },
  };
}
