/** Reads a diffusers `config.json` key by key, and refuses what nobody asked for. */
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
  const isCount = (value: unknown): value is number => Number.isInteger(value) && Number(value) > 0;
  const mismatch = (key: string, expected: string, value: unknown): never =>
    refuse(`${key} must be ${expected}, not ${JSON.stringify(value)}`);
  const list = (key: string, value: unknown): unknown[] =>
    Array.isArray(value) && value.length > 0
      ? (value as unknown[])
      : mismatch(key, 'a non-empty list', value);

  const reader: ConfigReader = {
    count(key, byDefault) {
      const value = take(key) ?? byDefault;
      return isCount(value) ? value : mismatch(key, 'a positive integer', value);
    },
    number(key, byDefault) {
      const value = take(key) ?? byDefault;
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
      const value = take(key) ?? byDefault;
      return typeof value === 'boolean' ? value : mismatch(key, 'true or false', value);
    },
    only(key, supported) {
      if (!(key in values)) return;
      const value = take(key) ?? null;
      if (!supported.includes(value)) {
        const list = supported.map((item) => JSON.stringify(item)).join(' or ');
        refuse(`${key} = ${JSON.stringify(value)} is not supported; supported: ${list}`);
      }
    },
    ignore(...keys) {
      for (const key of keys) unread.delete(key);
    },
    raw: take,
    refuse,
    end() {
      if (unread.size > 0) refuse(`unknown key ${[...unread].sort().join(', ')}`);
    },
  };
  reader.only('_class_name', [model]);
  reader.ignore('_diffusers_version', '_name_or_path');
  return reader;
}
