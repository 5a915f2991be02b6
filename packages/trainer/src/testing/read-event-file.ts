/** TensorBoard's event files read back, for tests. */
import { readFileSync } from 'node:fs';

import { crc32c } from '../tracking/tensorboard/crc32c';

export interface ReadEvent {
  readonly seconds: number;
  readonly step: number;
  readonly fileVersion?: string;
  /** 1 for START. */
  readonly sessionStatus?: number;
  readonly values: Readonly<Record<string, ReadValue>>;
}

export interface ReadValue {
  readonly scalar?: number;
  readonly histogram?: { minimum: number; maximum: number; limits: number[]; counts: number[] };
  readonly image?: { height: number; width: number; channels: number; png: Uint8Array };
}

/** @throws Error when a length or a checksum is wrong, or the last record is not whole */
export function readEventFile(path: string): ReadEvent[] {
  return tfRecords(readFileSync(path)).map(readEvent);
}

function tfRecords(file: Buffer): Uint8Array[] {
  const records: Uint8Array[] = [];
  for (let position = 0; position < file.length;) {
    const length = Number(file.readBigUInt64LE(position));
    const contents = file.subarray(position + 12, position + 12 + length);
    checkCrc(file.subarray(position, position + 8), file.readUInt32LE(position + 8));
    checkCrc(contents, file.readUInt32LE(position + 12 + length));
    records.push(contents);
    position += 12 + length + 4;
  }
  return records;
}

/** Undoes the mask: subtract, then rotate left by 15. */
function checkCrc(bytes: Uint8Array, masked: number): void {
  const rotated = (masked - 0xa282ead8) >>> 0;
  const crc = ((rotated << 15) | (rotated >>> 17)) >>> 0;
  if (crc !== crc32c(bytes)) throw new Error('a checksum is wrong');
}

function readEvent(bytes: Uint8Array): ReadEvent {
  const event = fields(bytes);
  const session = event.get(7)?.[0];
  const version = event.get(3)?.[0];
  const summaries = (event.get(5) ?? []).flatMap((summary) => fields(summary).get(1) ?? []);
  return {
    seconds: double(event, 1),
    step: integer(event, 2),
    ...(version === undefined ? {} : { fileVersion: version.toString() }),
    ...(session === undefined ? {} : { sessionStatus: integer(fields(session), 1) }),
    values: Object.fromEntries(summaries.map(readValue)),
  };
}

function readValue(bytes: Buffer): [tag: string, value: ReadValue] {
  const value = fields(bytes);
  const tag = value.get(1)![0]!.toString();
  const [scalar, image, histogram] = [value.get(2)?.[0], value.get(4)?.[0], value.get(5)?.[0]];
  if (scalar !== undefined) return [tag, { scalar: scalar.readFloatLE() }];
  if (image !== undefined) {
    const parts = fields(image);
    const [height, width, channels] = [integer(parts, 1), integer(parts, 2), integer(parts, 3)];
    return [tag, { image: { height, width, channels, png: parts.get(4)![0]! } }];
  }
  const parts = fields(histogram!);
  return [
    tag,
    {
      histogram: {
        minimum: double(parts, 1),
        maximum: double(parts, 2),
        limits: doubles(parts.get(6)![0]!),
        counts: doubles(parts.get(7)![0]!),
      },
    },
  ];
}

type Fields = ReadonlyMap<number, readonly Buffer[]>;

/** Bytes of a field's value by its wire type. */
const FIXED_SIZES: Readonly<Record<number, number>> = { 1: 8, 5: 4 };

/** The bytes of each field by its number; a varint's are those of the wire. */
function fields(bytes: Uint8Array): Fields {
  const buffer = Buffer.from(bytes);
  const found = new Map<number, Buffer[]>();
  for (let position = 0; position < buffer.length;) {
    const key = varint(buffer, position);
    position = key.end;
    let size = FIXED_SIZES[key.value % 8];
    if (size === undefined) {
      const { value, end } = varint(buffer, position);
      if (key.value % 8 === 2) position = end;
      size = key.value % 8 === 2 ? value : end - position;
    }
    const number = Math.floor(key.value / 8);
    found.set(number, [...(found.get(number) ?? []), buffer.subarray(position, position + size)]);
    position += size;
  }
  return found;
}

function varint(buffer: Buffer, start: number): { value: number; end: number } {
  let value = 0;
  for (let end = start, scale = 1; ; end += 1, scale *= 128) {
    const byte = buffer.readUInt8(end);
    value += (byte % 128) * scale;
    if (byte < 128) return { value, end: end + 1 };
  }
}

function integer(message: Fields, number: number): number {
  const bytes = message.get(number)?.[0];
  return bytes === undefined ? 0 : varint(bytes, 0).value;
}

function double(message: Fields, number: number): number {
  return message.get(number)?.[0]?.readDoubleLE() ?? 0;
}

function doubles(bytes: Buffer): number[] {
  return Array.from({ length: bytes.length / 8 }, (_, index) => bytes.readDoubleLE(8 * index));
}
