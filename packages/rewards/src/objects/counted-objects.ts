import type { ObjectNoun } from './object-nouns';

/** So many of one thing. */
export interface CountedObject {
  /** In the singular. */
  readonly noun: string;
  readonly count: number;
}

const NUMBERS: ReadonlyMap<string, number> = new Map([
  ...['a', 'an', 'one'].map((word) => [word, 1] as const),
  ...['two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine', 'ten'].map(
    (word, index) => [word, index + 2] as const,
  ),
]);

/**
 * What a prompt such as `three dogs and two cats played in a yard` counts: each number word (`a` to
 * `ten`) with the noun of one or two words after it. An article before something else counts
 * nothing, as in `a warm atmosphere`.
 *
 * @param nouns words taken for objects
 * @returns the first number whose noun is not known (`unknown`) instead of a list, if there is one
 */
export function countedObjects(
  prompt: string,
  nouns: ReadonlyMap<string, ObjectNoun>,
): CountedObject[] | { unknown: string } {
  const words = prompt.toLowerCase().match(/[a-z]+/g) ?? [];
  const counted: CountedObject[] = [];
  for (const [index, word] of words.entries()) {
    const count = NUMBERS.get(word);
    if (count === undefined) continue;
    const next = words[index + 1] ?? '';
    const noun = nouns.get(`${next} ${words[index + 2] ?? ''}`) ?? nouns.get(next);
    const agrees = noun?.number === 'either' || noun?.number === (count === 1 ? 'one' : 'several');
    if (noun !== undefined && agrees) counted.push({ noun: noun.singular, count });
    else if (word !== 'a' && word !== 'an') return { unknown: `${word} ${next}`.trim() };
  }
  return counted;
}
