/** Where the first thing of a prompt is to be, seen from the second. */
export type Relation = 'left' | 'right' | 'top' | 'bottom' | 'near';

const RELATIONS: readonly (readonly [words: string, relation: Relation])[] = [
  ['on the left of', 'left'],
  ['on the right of', 'right'],
  ['on the top of', 'top'],
  ['on top of', 'top'],
  ['on the bottom of', 'bottom'],
  ['on side of', 'near'],
  ['next to', 'near'],
  ['near', 'near'],
];

export interface SpatialPrompt {
  readonly first: string;
  readonly relation: Relation;
  readonly second: string;
}

const ARTICLE = /^(?:an?|the|one) /;

/**
 * Reads `a cat on the left of a sofa`, the template of T2I-CompBench's spatial prompts: a noun, one
 * of the benchmark's relations (also `on top of`), a noun.
 *
 * @returns nothing for any other prompt
 */
export function parseSpatialPrompt(prompt: string): SpatialPrompt | undefined {
  const sentence = prompt.trim().toLowerCase().replace(/\.$/, '').replaceAll(/\s+/g, ' ');
  for (const [words, relation] of RELATIONS) {
    const parts = sentence.split(` ${words} `);
    if (parts.length !== 2) continue;
    const [first, second] = parts.map((part) => part.replace(ARTICLE, '')) as [string, string];
    const isNoun = (part: string) => /^[a-z]+(?: [a-z]+)?$/.test(part);
    return isNoun(first) && isNoun(second) ? { first, relation, second } : undefined;
  }
  return undefined;
}
