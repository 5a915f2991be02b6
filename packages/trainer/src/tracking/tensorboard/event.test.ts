import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import type { Histogram } from '../../run-folder/records';
import { FIXTURES, readJson } from '../../testing/fixtures';
import {
  fileVersionEvent,
  histogramValue,
  imageValue,
  scalarValue,
  sessionStartEvent,
  summaryEvent,
} from './event';
import { tfRecord } from './tf-record';

interface Description {
  seconds: number;
  purgeFrom: number;
  events: {
    step: number;
    values: { tag: string; scalar?: number; histogram?: Histogram }[];
  }[];
}

// Its messages were written by google-protobuf 3's BinaryWriter; tools/tensorboard/golden.py makes the same file in Python.
test("a file is byte for byte what Google's serializer writes", () => {
  const folder = join(FIXTURES, 'tensorboard');
  const picture = readFileSync(join(folder, 'picture.png'));
  const { seconds, purgeFrom, events } = readJson(folder, 'events.json') as Description;
  const records = [
    fileVersionEvent(seconds),
    sessionStartEvent(seconds, purgeFrom),
    ...events.map(({ step, values }) =>
      summaryEvent(
        seconds,
        step,
        values.map(({ tag, scalar, histogram }) => {
          if (scalar !== undefined) return scalarValue(tag, scalar);
          return histogram === undefined
            ? imageValue(tag, picture)
            : histogramValue(tag, histogram);
        }),
      ),
    ),
  ].map(tfRecord);
  const golden = readFileSync(join(folder, 'events.tfevents'));
  // As text, a difference shows where it is.
  expect(Buffer.concat(records).toString('latin1')).toBe(golden.toString('latin1'));
});
