/**
 * The wire format of Protocol Buffers, as far as events need it: each function writes one field, and a message is its fields
 * one after the other. As in proto3, a number that is 0 is left out.
 */

export type Field = Uint8Array;

const VARINT = 0;
const EIGHT_BYTES = 1;
const LENGTH = 2;
const FOUR_BYTES = 5;

/** @param value a whole number of at least 0 */
export function integerField(number: number, value: number): Field {
  return value === 0 ? NOTHING : Buffer.concat([key(number, VARINT), varint(value)]);
}

export function doubleField(number: number, value: number): Field {
  if (value === 0) return NOTHING;
  return Buffer.concat([key(number, EIGHT_BYTES), doubles([value])]);
}

/** Also when it is 0: the only float that events hold is one of several fields that exclude each other, and says which. */
export function floatField(number: number, value: number): Field {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(value);
  return Buffer.concat([key(number, FOUR_BYTES), bytes]);
}

export function doublesField(number: number, values: readonly number[]): Field {
  return bytesField(number, doubles(values));
}

export function textField(number: number, text: string): Field {
  return bytesField(number, Buffer.from(text));
}

export function messageField(number: number, fields: readonly Field[]): Field {
  return bytesField(number, Buffer.concat(fields));
}

export function bytesField(number: number, bytes: Uint8Array): Field {
  return Buffer.concat([key(number, LENGTH), varint(bytes.length), bytes]);
}

const NOTHING = new Uint8Array();

function key(number: number, wireType: number): Uint8Array {
  return varint(number * 8 + wireType);
}

/** Seven bits a byte, the lowest first; all but the last byte have their highest bit set. */
function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  // Steps and lengths may be larger than what bitwise operators hold.
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  return Uint8Array.from([...bytes, rest]);
}

function doubles(values: readonly number[]): Uint8Array {
  const bytes = Buffer.alloc(8 * values.length);
  for (const [index, value] of values.entries()) bytes.writeDoubleLE(value, 8 * index);
  return bytes;
}
