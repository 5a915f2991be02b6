import { formatPythonJson } from './python-json';

/**
 * Reads a diffusers `config.json` key by key, and refuses what nobody asked for. Where one value is wanted, a list of equal ones
 * says the same: diffusers takes either for what may differ by level.
 */
export interface ConfigReader {
  /** A positive integer. */
  count(key: string, byDefault: number): number;
  /** A finite number. */
  number(key: string, byDefault: number): number;
  /** A non-empty list of positive integers. */
  counts(key: string, byDefault: readonly number[]): number[];
  /** A non-empty list of these words. */
  words<W extends string>(key: string, allowed: readonly W[], byDefault: readonly W[]): W[];
  /** A flag. */
  flag(key: string, byDefault: boolean): boolean;
  /** A key of which this library supports these values alone. A missing key is fine. */
  only(key: string, supported: readonly unknown[]): void;
  /** A key without effect on the computation. */
  ignore(...keys: string[]): void;
  /** The value as it is, `undefined` when missing or null. */
  raw(key: string): unknown;
  /** A refusal that names the model. */
  refuse(reason: string): never;
  /** @throws Error when the file has a key that was not read */
  end(): void;
}

/** @param model what the errors call it: the class name in the file */
export function configReader(model: string, json: unknown): ConfigReader {
  const refuse = (reason: string): never => {
    throw new Error(`${model} config: ${reason}`);
  };
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    return refuse('expected a JSON object');
  }
  const values = json as Readonly<Record<string, unknown>>;
  const unread = new Set(Object.keys(values));
  const take = (key: string): unknown => {
    unread.delete(key);
    return values[key] ?? undefined;
  };
  const takeOne = (key: string): unknown => {
    const value = take(key);
    if (!Array.isArray(value)) return value;
    const [first, ...rest] = value as unknown[];
    return rest.every((item) => item === first) ? (first ?? value) : value;
  };
  const isCount = (value: unknown): value is number => Number.isInteger(value) && Number(value) > 0;
  const mismatch = (key: string, expected: string, value: unknown): never =>
    refuse(`${key} must be ${expected}, not ${formatPythonJson(value)}`);
  const list = (key: string, value: unknown): unknown[] =>
    Array.isArray(value) && value.length > 0
      ? (value as unknown[])
      : mismatch(key, 'a non-empty list', value);

  const reader: ConfigReader = {
    count(key, byDefault) {
      const value = takeOne(key) ?? byDefault;
      return isCount(value) ? value : mismatch(key, 'a positive integer', value);
    },
    number(key, byDefault) {
      const value = takeOne(key) ?? byDefault;
      return Number.isFinite(value) ? (value as number) : mismatch(key, 'a number', value);
    },
    counts(key, byDefault) {
      const value = take(key) ?? byDefault;
      return list(key, value).map((item) =>
        isCount(item) ? item : mismatch(key, 'a list of positive integers', value),
      );
    },
    words(key, allowed, byDefault) {
      return list(key, take(key) ?? byDefault).map(
        (item) =>
          allowed.find((word) => word === item) ??
          refuse(
            `${key}: ${JSON.stringify(item)} is not supported; supported: ${allowed.join(', ')}`,
          ),
      );
    },
    flag(key, byDefault) {
      const value = takeOne(key) ?? byDefault;
      return typeof value === 'boolean' ? value : mismatch(key, 'true or false', value);
    },
    only(key, supported) {
      if (!(key in values)) return;
      const value = takeOne(key) ?? null;
      if (!supported.includes(value)) {
        const list = supported.map((item) => JSON.stringify(item)).join(' or ');
        refuse(`${key} = ${formatPythonJson(value)} is not supported; supported: ${list}`);
      }
    },
    ignore(...keys) {
      for (const key of keys) unread.delete(key);
    },
    raw: take,
    refuse,
    end() {
      // What is null is switched off, whatever it is, and an underscore marks what a tool notes for itself.
      const unknown = [...unread].filter((key) => values[key] !== null && !key.startsWith('_'));
      if (unknown.length === 0) return;
      refuse(
        `unknown key ${unknown.sort().join(', ')}. Such a key of a newer diffusers may change the result; remove it from the file if it is a note that changes nothing`,
      );
    },
  };
  reader.only('_class_name', [model]);
  return reader;
}
