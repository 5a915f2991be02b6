import { byteCharacters } from './byte-alphabet';
import { encodeWord, parseMerges } from './byte-pair-encoding';
import type { SpecialTokens } from './special-tokens';
import { END_OF_TEXT, parseSpecialTokens, START_OF_TEXT } from './special-tokens';
import { splitWords } from './split-words';

/** The contents of a diffusers model's `tokenizer/` folder. */
export interface ClipTokenizerFiles {
  /** `vocab.json`: token → id. */
  readonly vocab: Readonly<Record<string, number>>;
  /** `merges.txt`, as text. */
  readonly merges: string;
  /** `special_tokens_map.json`. */
  readonly specialTokens?: unknown;
  /** `tokenizer_config.json`. */
  readonly config?: unknown;
}

export interface ClipTokenizer {
  /** Tokens of an encoded text, the start and end tokens included. */
  readonly maxLength: number;
  /** A text's ids: start, words, end; cut or padded to `maxLength`. */
  encode(text: string): number[];
}

/** What CLIP was trained with, and what a folder that does not say otherwise means. */
const DEFAULT_MAX_LENGTH = 77;

/** transformers reads no more merges than OpenAI's vocabulary has room for: 49152 − 256 − 2. */
const MAXIMUM_MERGES = 48_894;

/**
 * CLIP's tokenizer (Radford et al. 2021): byte-level byte-pair encoding of lower-cased words. The ids are those of
 * `transformers.CLIPTokenizer` without ftfy. (With ftfy it first repairs the text: HTML entities, curly quotes, ligatures.)
 *
 * @throws Error when the files do not belong together or are malformed
 */
export function createClipTokenizer(files: ClipTokenizerFiles): ClipTokenizer {
  const vocabulary = parseVocabulary(files.vocab);
  const ranks = parseMerges(files.merges, MAXIMUM_MERGES);
  const special = parseSpecialTokens(files.specialTokens, files.config);
  const maxLength = parseMaxLength(files.config);

  const idOf = (token: string): number => {
    const id = special.literal.get(token) ?? vocabulary.get(token);
    if (id === undefined) {
      throw new Error(
        `The special token ${JSON.stringify(token)} is not in vocab.json; vocab.json and special_tokens_map.json do not belong together.`,
      );
    }
    return id;
  };
  const startId = idOf(special.start);
  const endId = idOf(special.end);
  const paddingId = idOf(special.padding);
  const unknownId = idOf(special.unknown);
  const literals = literalPattern(special);

  const cache = new Map<string, readonly number[]>();
  const wordIds = (word: string): readonly number[] => {
    let ids = cache.get(word);
    if (ids === undefined) {
      ids =
        word === START_OF_TEXT || word === END_OF_TEXT
          ? [vocabulary.get(word) ?? unknownId]
          : encodeWord(byteCharacters(word), ranks).map((s) => vocabulary.get(s) ?? unknownId);
      // Prompts of a run repeat; a bound keeps a server's memory constant.
      if (cache.size >= 10_000) cache.clear();
      cache.set(word, ids);
    }
    return ids;
  };

  return {
    maxLength,
    encode(text) {
      const ids: number[] = [];
      // The pattern captures, so that special tokens lie at the odd places.
      for (const [i, part] of text.split(literals).entries()) {
        if (i % 2 === 1) ids.push(idOf(part));
        else for (const word of splitWords(part)) ids.push(...wordIds(word));
      }
      const encoded = [startId, ...ids.slice(0, maxLength - 2), endId];
      while (encoded.length < maxLength) encoded.push(paddingId);
      return encoded;
    },
  };
}

function literalPattern(special: SpecialTokens): RegExp {
  const longestFirst = [...special.literal.keys()].sort((a, b) => b.length - a.length);
  const escaped = longestFirst.map((token) => token.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&'));
  return new RegExp(`(${escaped.join('|')})`, 'u');
}

function parseVocabulary(vocab: unknown): ReadonlyMap<string, number> {
  if (typeof vocab !== 'object' || vocab === null || Array.isArray(vocab)) {
    throw new TypeError('vocab.json must hold an object from tokens to ids.');
  }
  const vocabulary = new Map<string, number>();
  for (const [token, id] of Object.entries(vocab as Record<string, unknown>)) {
    if (!Number.isSafeInteger(id) || (id as number) < 0) {
      throw new TypeError(
        `vocab.json must give whole numbers as ids; ${JSON.stringify(token)} has ${JSON.stringify(id)}.`,
      );
    }
    vocabulary.set(token, id as number);
  }
  return vocabulary;
}

function parseMaxLength(config: unknown): number {
  const value = (config as { model_max_length?: unknown } | null | undefined)?.model_max_length;
  // transformers writes 1e30 where no length was set.
  if (value === undefined || value === null || (typeof value === 'number' && value > 1e9)) {
    return DEFAULT_MAX_LENGTH;
  }
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 2) {
    throw new TypeError(
      `tokenizer_config.json: model_max_length must be a whole number of at least 2, it is ${JSON.stringify(value)}.`,
    );
  }
  return value;
}
