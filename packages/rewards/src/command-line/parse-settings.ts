import { UsageError } from './usage-error';

export interface RewardRequest {
  /** What was written after `--reward`. */
  readonly name: string;
  readonly settings: Readonly<Record<string, unknown>>;
}

/**
 * Pairs rewards with their settings.
 *
 * @param sets texts `NAME.key=value`, where NAME is one of the names as written and the value is read as JSON where it is
 * JSON (a number, true, a list …), and is a text otherwise
 * @throws {UsageError} for a setting of no reward, without a key or a value, or that is there twice
 */
export function parseSettings(
  names: readonly string[],
  sets: readonly string[],
): readonly RewardRequest[] {
  const requests = new Map(names.map((name) => [name, new Map<string, unknown>()]));
  if (requests.size < names.length) throw new UsageError('A reward is named twice with --reward.');
  // Names may have dots and equals signs in them; the longest one that fits is meant.
  const longestFirst = [...names].sort((one, other) => other.length - one.length);
  for (const set of sets) {
    const name = longestFirst.find((candidate) => set.startsWith(`${candidate}.`));
    if (name === undefined) {
      throw new UsageError(
        `--set ${set} starts with no reward; expected NAME.key=value, where NAME is ${names.join(' or ')}.`,
      );
    }
    const [, key, value] = /^([^=]+)=(.*)$/s.exec(set.slice(name.length + 1)) ?? [];
    if (key === undefined || value === undefined) {
      throw new UsageError(`--set ${set} has no key and value; expected ${name}.key=value.`);
    }
    const settings = requests.get(name);
    if (settings?.has(key) === true) throw new UsageError(`${name}.${key} is set twice.`);
    settings?.set(key, parseValue(value));
  }
  return names.map((name) => ({ name, settings: Object.fromEntries(requests.get(name) ?? []) }));
}

function parseValue(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
