/** One of TensorBoard's event files. */
import { mkdirSync, readdirSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';

import { makeAppendOnlyFile, type AppendOnlyFile } from '../../files/append-only-file';
import { asUserError } from '../../files/system-errors';
import { fileVersionEvent, sessionStartEvent } from './event';
import { tfRecord } from './tf-record';

export interface EventFile {
  append(event: Uint8Array): void;
  close(): void;
}

/**
 * Makes a new file beside those that are there.
 * @param options.seconds since 1970
 * @param options.purgeFrom step from which on earlier files do not count any more
 */
export function makeEventFile(
  folder: string,
  options: { seconds: number; purgeFrom?: number | undefined },
): EventFile {
  const { seconds, purgeFrom } = options;
  const file = makeAppendOnlyFile(nextFileName(folder, seconds), "TensorBoard's file");
  const append = (event: Uint8Array): void => {
    file.append(tfRecord(event));
  };
  try {
    append(fileVersionEvent(seconds));
    if (purgeFrom !== undefined) append(sessionStartEvent(seconds, purgeFrom));
  } catch (error) {
    closeQuietly(file);
    throw error;
  }
  return {
    append,
    close() {
      file.close();
    },
  };
}

const NAME = /^events\.out\.tfevents\.(\d{10})\./;

/** TensorBoard reads a run's files in the order of their names, so that a new one must come last, whatever the clock says. */
function nextFileName(folder: string, seconds: number): string {
  try {
    mkdirSync(folder, { recursive: true });
    const times = readdirSync(folder).map((name) => Number(NAME.exec(name)?.[1] ?? 0));
    const time = Math.max(Math.floor(seconds), ...times.map((earlier) => earlier + 1));
    return join(folder, `events.out.tfevents.${String(time).padStart(10, '0')}.${hostname()}`);
  } catch (error) {
    throw asUserError(error, "make TensorBoard's folder", folder);
  }
}

function closeQuietly(file: AppendOnlyFile): void {
  try {
    file.close();
  } catch {
    // The error that led here says more.
  }
}
