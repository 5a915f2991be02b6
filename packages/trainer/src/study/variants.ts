/** The variants of a study: every combination of its factors' levels, for each of its named variants. */
import { createHash } from 'node:crypto';

import { UserError } from '../user-error';
import type { Keys, StudySettings } from './study-file';

export interface Variant {
  /** Unlike the others'. */
  readonly name: string;
  /** What it sets in a run's configuration: dotted keys, of which later ones override earlier ones. */
  readonly keys: readonly (readonly [string, unknown])[];
}

/** @throws UserError for names that are the same, or a study of more runs than anybody waits for */
export function variantsOf({
  factors,
  variants,
}: Pick<StudySettings, 'factors' | 'variants'>): Variant[] {
  const named = Object.entries(variants).map(([name, keys]) => ({ name, keys: flatKeys(keys) }));
  const levels = Object.entries(factors).map(([factor, given]) => levelsOf(factor, given));
  const count = levels.reduce((product, { length }) => product * length, Math.max(1, named.length));
  if (count > MOST_VARIANTS) {
    throw new UserError(
      `The study has ${String(count)} variants, and may have at most ${String(MOST_VARIANTS)}; give its factors fewer levels`,
    );
  }
  const start: readonly Variant[] = named.length > 0 ? named : [{ name: '', keys: [] }];
  const all = levels.reduce<readonly Variant[]>(
    (before, ofFactor) =>
      before.flatMap((variant) =>
        ofFactor.map((level) => ({
          name: [variant.name, level.name].filter((part) => part !== '').join(' '),
          keys: [...variant.keys, ...level.keys],
        })),
      ),
    start,
  );
  const names = all.map(({ name }) => (name === '' ? 'base' : name));
  const unreadable = names.find((name) => /\p{Cc}/u.test(name));
  if (unreadable !== undefined) {
    throw new UserError(
      `The study has a variant whose name has a line break or a control character: ${JSON.stringify(unreadable)}`,
    );
  }
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) {
    throw new UserError(`The study has two variants of the name '${twice}'; name their levels`);
  }
  return all.map(({ keys }, index) => ({ name: names[index] ?? '', keys }));
}

const MOST_VARIANTS = 1000;

/** A level has the name that it was given, or that of its value: `loop`, `k=4`. */
function levelsOf(
  factor: string,
  given: readonly unknown[] | Readonly<Record<string, Keys>>,
): Variant[] {
  if (!Array.isArray(given)) {
    return Object.entries(given as Readonly<Record<string, Keys>>).map(([name, keys]) => ({
      name,
      keys: flatKeys(keys),
    }));
  }
  return (given as readonly unknown[]).map((value) => {
    const text = typeof value === 'string' ? value : JSON.stringify(value);
    const key = factor.split('.').at(-1) ?? factor;
    return { name: key === 'name' ? text : `${key}=${text}`, keys: flatKeys({ [factor]: value }) };
  });
}

/** A section sets its keys, and leaves those that it does not name as they are. */
export function flatKeys(keys: Keys, prefix = ''): (readonly [string, unknown])[] {
  return Object.entries(keys).flatMap(([name, value]): (readonly [string, unknown])[] => {
    const path = `${prefix}${name}`;
    const isSection =
      typeof value === 'object' &&
      value !== null &&
      !Array.isArray(value) &&
      Object.keys(value).length > 0;
    return isSection ? flatKeys(value as Keys, `${path}.`) : [[path, value]];
  });
}

const LONGEST_FOLDER = 80;
/** Names that Windows keeps for devices. */
const DEVICE = /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i;

/** A name as a folder on every system: what is neither a letter, a digit nor one of `. _ = -` becomes a dash. */
export function folderName(name: string): string {
  const plain =
    name
      .normalize('NFC')
      .replace(/[^\p{L}\p{N}._=-]+/gu, '-')
      .replace(/^[.-]+|[.-]+$/g, '') || 'variant';
  if (plain.length <= LONGEST_FOLDER) return DEVICE.test(plain) ? `_${plain}` : plain;
  // What is cut off may be all that tells two names apart.
  const digest = createHash('sha256').update(plain).digest('hex').slice(0, 8);
  return `${plain.slice(0, LONGEST_FOLDER)}-${digest}`;
}
