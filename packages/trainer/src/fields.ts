/** The kinds of value a configuration holds. Each carries its meaning and its expected range, from which errors and the key reference are made. */
import { z } from 'zod';

/** Where there is no limit. */
export const MANY = Number.MAX_SAFE_INTEGER;

/** What a key expects, in words that finish the sentence "… must be …". */
export interface FieldMeta {
  readonly expected: string;
  readonly description: string;
}

export function wholeNumber(minimum: number, maximum: number, description: string) {
  return z
    .number()
    .int()
    .min(minimum)
    .max(maximum)
    .meta({ expected: `a whole number ${rangeInWords(minimum, maximum)}`, description });
}

export function realNumber(minimum: number, maximum: number, description: string) {
  return z
    .number()
    .min(minimum)
    .max(maximum)
    .meta({ expected: `a number ${rangeInWords(minimum, maximum)}`, description });
}

/** A number above `minimum`, which itself is not allowed. */
export function numberAbove(minimum: number, maximum: number, description: string) {
  const range =
    maximum === Infinity
      ? `above ${String(minimum)}`
      : `above ${String(minimum)} and up to ${String(maximum)}`;
  return z
    .number()
    .gt(minimum)
    .max(maximum)
    .meta({ expected: `a number ${range}`, description });
}

export function text(description: string) {
  return z
    .string()
    .trim()
    .min(1)
    .regex(/\S/)
    .meta({ expected: 'a text that is not empty', description });
}

/** Without a user and password, which a configuration that is kept beside the results must not hold. */
export function webAddress(description: string) {
  return z
    .string()
    .regex(/^https?:\/\//)
    .refine(isWebAddress)
    .meta({
      expected: 'an address that begins with http:// or https://, without a password',
      description,
    });
}

function isWebAddress(address: string): boolean {
  if (!URL.canParse(address)) return false;
  const { protocol, username, password } = new URL(address);
  return /^https?:$/.test(protocol) && username === '' && password === '';
}

export function oneOf<const Name extends string>(names: readonly Name[], description: string) {
  return z.enum(names).meta({ expected: `one of ${names.join(', ')}`, description });
}

function rangeInWords(minimum: number, maximum: number): string {
  return maximum === Infinity || maximum === MANY
    ? `of at least ${String(minimum)}`
    : `from ${String(minimum)} to ${String(maximum)}`;
}
