/** What sets runs apart. */
import { isDeepStrictEqual } from 'node:util';

type Config = Readonly<Record<string, unknown>>;

/** A dotted key that differs, with a value per run; undefined where a run's configuration lacks the key. */
export interface ConfigDifference {
  readonly key: string;
  readonly values: readonly unknown[];
}

/** The keys whose values are not the same in all configurations; `output` always differs and says nothing. */
export function configDifferences(configs: readonly Config[]): ConfigDifference[] {
  const flat = configs.map((config) => new Map(flatten(config, '')));
  const keys = new Set(flat.flatMap((values) => [...values.keys()]));
  keys.delete('output');
  return [...keys]
    .map((key) => ({ key, values: flat.map((values) => values.get(key)) }))
    .filter(({ values }) => values.some((value) => !isDeepStrictEqual(value, values[0])));
}

function flatten(config: Config | readonly unknown[], prefix: string): [string, unknown][] {
  return Object.entries(config).flatMap(([name, value]: [string, unknown]) =>
    isSection(value) ? flatten(value, `${prefix}${name}.`) : [[`${prefix}${name}`, value]],
  );
}

/** Also a list of sections, such as rewards, of which each key is looked at by itself. */
function isSection(value: unknown): value is Config | readonly unknown[] {
  if (Array.isArray(value)) return value.length > 0 && value.every(isSection);
  return typeof value === 'object' && value !== null;
}
