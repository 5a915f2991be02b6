/** Which prompts of a file are set aside, to measure on what was not trained on. */
import { createHash } from 'node:crypto';

/** Fewer would measure little, and no fewer are left to train on. */
const LEAST = 8;

/** The texts to train on and those set aside, each in the order of the file. */
export interface PromptSplit {
  readonly training: readonly string[];
  readonly heldOut: readonly string[];
}

/**
 * Sets those texts aside whose SHA-256 is smallest: it neither matters where in the file they stand, nor does another seed hold
 * out others, so that runs on a file can be compared. A text that is there twice is trained on twice or not at all.
 *
 * @param fraction of the different texts, in [0, 1); at least 8 are set aside, unless it is 0
 * @returns undefined for a fraction of 0, and where fewer than 8 would be left to train on
 */
export function splitPrompts(texts: readonly string[], fraction: number): PromptSplit | undefined {
  const different = [...new Set(texts)];
  const count = Math.max(LEAST, Math.round(fraction * different.length));
  if (fraction === 0 || different.length - count < LEAST) return undefined;
  const byHash = different
    .map((text) => ({ text, hash: createHash('sha256').update(text).digest('hex') }))
    .sort((left, right) => (left.hash < right.hash ? -1 : 1));
  const aside = new Set(byHash.slice(0, count).map(({ text }) => text));
  return {
    training: texts.filter((text) => !aside.has(text)),
    heldOut: different.filter((text) => aside.has(text)),
  };
}
