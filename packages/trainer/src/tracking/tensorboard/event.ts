/**
 * TensorBoard's messages, by the field numbers of tensorboard/compat/proto/{event,summary}.proto.
 */
import { readPngHeader } from '@loop-diffusion/rewards';

import type { Histogram } from '../../run-folder/records';
import {
  bytesField,
  doubleField,
  doublesField,
  floatField,
  integerField,
  messageField,
  textField,
  type Field,
} from './protobuf';

const SESSION_START = 1;

/** What every file begins with. @param seconds since 1970, here and below */
export function fileVersionEvent(seconds: number): Uint8Array {
  return event(seconds, 0, textField(3, 'brain.Event:2'));
}

/** Makes TensorBoard forget what earlier files of the run say about this step and later ones. */
export function sessionStartEvent(seconds: number, step: number): Uint8Array {
  return event(seconds, step, messageField(7, [integerField(1, SESSION_START)]));
}

/** One value of a `Summary`. */
export type SummaryValue = Field;

export function summaryEvent(
  seconds: number,
  step: number,
  values: readonly SummaryValue[],
): Uint8Array {
  return event(seconds, step, messageField(5, values));
}

/** @param value is kept as float32 */
export function scalarValue(tag: string, value: number): SummaryValue {
  return messageField(1, [textField(1, tag), floatField(2, value)]);
}

/** The sums, which the format asks for and TensorBoard does not show, are those of the buckets' middles. */
export function histogramValue(tag: string, histogram: Histogram): SummaryValue {
  const { minimum, maximum, counts } = histogram;
  const width = (maximum - minimum) / counts.length;
  const middles = counts.map((_, bucket) => minimum + (bucket + 0.5) * width);
  const sum = (term: (middle: number) => number) =>
    middles.reduce((total, middle, bucket) => total + counts[bucket]! * term(middle), 0);
  return messageField(1, [
    textField(1, tag),
    messageField(5, [
      doubleField(1, minimum),
      doubleField(2, maximum),
      doubleField(
        3,
        sum(() => 1),
      ),
      doubleField(
        4,
        sum((middle) => middle),
      ),
      doubleField(
        5,
        sum((middle) => middle ** 2),
      ),
      doublesField(
        6,
        counts.map((_, bucket) =>
          bucket === counts.length - 1 ? maximum : minimum + (bucket + 1) * width,
        ),
      ),
      doublesField(7, counts),
    ]),
  ]);
}

export function imageValue(tag: string, png: Uint8Array): SummaryValue {
  const header = readPngHeader(png);
  if (header === undefined) throw new Error(`The picture '${tag}' is no PNG file.`);
  const { width, height, channels } = header;
  return messageField(1, [
    textField(1, tag),
    messageField(4, [
      integerField(1, height),
      integerField(2, width),
      integerField(3, channels),
      bytesField(4, png),
    ]),
  ]);
}

function event(seconds: number, step: number, content: Field): Uint8Array {
  return Buffer.concat([doubleField(1, seconds), integerField(2, step), content]);
}
