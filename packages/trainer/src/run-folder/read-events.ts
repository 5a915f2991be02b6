/** What a run has recorded, read back from its `events.jsonl`. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

import { z } from 'zod';

import { asUserError } from '../files/system-errors';
import { UserError } from '../user-error';
import type { RunEvent } from './event-log';
import type { EvaluationRecord, IterationRecord } from './records';
import type { RunHistory } from './run-history';

const MAXIMUM_BYTES = 1e9;
const CHUNK_BYTES = 1024 ** 2;
const NEWLINE = 0x0a;

/**
 * The events of a run, in their order: one a line, so that event i is line i + 1 of the file. A last line without its
 * newline, torn by a crash or a full disk, is left out.
 * @throws UserError when the file cannot be read, has more than 1 GB, or a whole line is damaged
 */
export function readEvents(path: string): RunEvent[] {
  const events: RunEvent[] = [];
  for (const line of readLines(path)) {
    const event = parseEvent(line);
    if (event === undefined) {
      throw damaged(
        path,
        events.length + 1,
        'it is not an event in JSON; without that line it can be read',
      );
    }
    events.push(event);
  }
  return events;
}

/** Those that a newline ends; what comes after the last is torn. */
function* readLines(path: string): Generator<Uint8Array> {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(path, 'r');
    const { size } = fstatSync(descriptor);
    if (size > MAXIMUM_BYTES) {
      throw new UserError(
        `Cannot read the event file '${path}': it has ${(size / 1e9).toFixed(1)} GB, and at most 1 GB is read`,
      );
    }
    const chunk = new Uint8Array(CHUNK_BYTES);
    let begun: Uint8Array[] = [];
    for (;;) {
      const filled = chunk.subarray(0, readSync(descriptor, chunk));
      if (filled.length === 0) break;
      let start = 0;
      for (let end = filled.indexOf(NEWLINE); end >= 0; end = filled.indexOf(NEWLINE, start)) {
        yield Buffer.concat([...begun, filled.subarray(start, end)]);
        begun = [];
        start = end + 1;
      }
      if (start < filled.length) begun.push(filled.slice(start));
    }
  } catch (error) {
    throw asUserError(error, 'read the event file', path);
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

function parseEvent(line: Uint8Array): RunEvent | undefined {
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(line));
    return isEvent(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isEvent(value: unknown): value is RunEvent {
  return (
    typeof value === 'object' &&
    value !== null &&
    'event' in value &&
    typeof value.event === 'string'
  );
}

/**
 * The history that the events add up to. A run that was resumed after iteration N did the later ones anew, so what was
 * recorded of them before counts no more.
 * @param events all of a file, as `readEvents` gives them
 * @param path of that file, for messages
 * @throws UserError naming the line of an iteration, evaluation or resumption that is not complete
 */
export function historyOfEvents(events: readonly RunEvent[], path: string): RunHistory {
  let iterations: IterationRecord[] = [];
  let evaluations: RunHistory['evaluations'][number][] = [];
  for (const [index, event] of events.entries()) {
    const shape = SHAPES.get(event.event);
    if (shape === undefined) continue;
    const { success, data } = shape.safeParse(event);
    if (!success) {
      throw damaged(path, index + 1, `it is not a whole event '${event.event}'`);
    }
    if (event.event === 'resume') {
      const { iteration: resumedAt } = data as { iteration: number };
      iterations = iterations.filter(({ iteration }) => iteration <= resumedAt);
      evaluations = evaluations.filter(({ iteration }) => iteration <= resumedAt);
    } else if (event.event === 'iteration') {
      iterations.push(data as IterationRecord);
    } else {
      const iteration = iterations.at(-1)?.iteration ?? 0;
      const record = data as EvaluationRecord;
      // A run that is resumed right after an iteration may evaluate there again.
      evaluations = evaluations.filter(
        (earlier) => earlier.iteration !== iteration || earlier.record.name !== record.name,
      );
      evaluations.push({ iteration, record });
    }
  }
  return { iterations, evaluations };
}

/** JSON has no NaN: a figure that is none is null, which arithmetic would take for 0. */
const figure = z
  .number()
  .nullable()
  .transform((value) => value ?? Number.NaN);

/** What readers of a history rely on. */
const SHAPES: ReadonlyMap<string, z.ZodType> = new Map<string, z.ZodType>([
  ['resume', z.looseObject({ iteration: z.int().min(0) })],
  [
    'iteration',
    z.looseObject({
      iteration: z.int().min(1),
      reward: z.looseObject({ mean: figure, std: figure }),
      images: z.int().min(0),
      passes: z.object({ forward: z.number(), gradient: z.number() }).optional(),
      seconds: z.record(z.string(), z.number()),
    }),
  ],
  [
    'evaluation',
    z.looseObject({
      name: z.string(),
      mean: figure,
      standardError: figure,
      count: z.int().min(0),
      families: z.record(z.string(), z.looseObject({ mean: figure, standardError: figure })),
      imageFamilies: z.array(z.string()).optional(),
      rewards: z.array(figure),
      settings: z.looseObject({ steps: z.number(), eta: z.number(), guidance: z.number() }),
    }),
  ],
]);

function damaged(path: string, line: number, how: string): UserError {
  return new UserError(`The event file '${path}' is damaged in line ${String(line)}: ${how}`);
}
