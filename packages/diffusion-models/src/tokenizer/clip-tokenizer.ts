import { byteCharacters, fromByteCharacters } from './byte-alphabet';
import { encodeWord, END_OF_WORD, parseMerges } from './byte-pair-encoding';
import type { SpecialTokens } from './special-tokens';
import { END_OF_TEXT, parseSpecialTokens, START_OF_TEXT } from './special-tokens';
import { cleanFast, splitFast, splitWords } from './split-words';

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
  /** `added_tokens.json`. */
  readonly addedTokens?: unknown;
  /**
   * How a text is cleaned: as `CLIPTokenizer` of transformers 4 does (`slow`, the default), or as `CLIPTokenizerFast` and
   * transformers 5 do. They differ in ideographs, control characters and the Greek final sigma.
   */
  readonly cleaning?: 'slow' | 'fast' | undefined;
}

export interface ClipTokenizer {
  /** Tokens of an encoded text, the start and end tokens included. */
  readonly maxLength: number;
  /** A text's ids: start, words, end; cut or padded to `maxLength`. */
  encode(text: string): number[];
  /** What {@link encode} cuts off a text, in the form that its tokens have: cleaned. Empty where the text fits. */
  cutOff(text: string): string;
}

/** What CLIP was trained with, and what a folder that does not say otherwise means. */
const DEFAULT_MAX_LENGTH = 77;

/** transformers reads no more merges than OpenAI's vocabulary has room for: 49152 − 256 − 2. */
const MAXIMUM_MERGES = 48_894;

/** A token of a text: a symbol of the vocabulary, or a token that is recognised literally. */
interface Token {
  readonly text: string;
  readonly id: number;
}

/**
 * CLIP's tokenizer (Radford et al. 2021): byte-level byte-pair encoding of lower-cased words. The ids are those of
 * `transformers.CLIPTokenizer` without ftfy. (With ftfy it first repairs the text: HTML entities, curly quotes, ligatures.)
 *
 * @throws Error when the files do not belong together or are malformed
 */
export function createClipTokenizer(files: ClipTokenizerFiles): ClipTokenizer {
  const vocabulary = parseVocabulary(files.vocab);
  const ranks = parseMerges(files.merges, MAXIMUM_MERGES);
  const special = parseSpecialTokens(files, vocabulary);
  const maxLength = parseMaxLength(files.config);

  const idOf = (token: string): number => {
    const id = special.literal.get(token)?.id ?? vocabulary.get(token);
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
  const pieces = files.cleaning === 'fast' ? fastPieces(special) : slowPieces(special);

  const symbolId = (symbol: string): Token => ({
    text: symbol,
    id: vocabulary.get(symbol) ?? unknownId,
  });
  const cache = new Map<string, readonly Token[]>();
  const wordTokens = (word: string): readonly Token[] => {
    const known = cache.get(word);
    if (known !== undefined) return known;
    const isWhole = word === START_OF_TEXT || word === END_OF_TEXT;
    const tokens = isWhole
      ? [symbolId(word)]
      : encodeWord(byteCharacters(word), ranks).map(symbolId);
    // Prompts of a run repeat; bounds keep a server's memory constant.
    if (word.length > LONGEST_KEPT_WORD) return tokens;
    if (cache.size >= 10_000) cache.clear();
    cache.set(word, tokens);
    return tokens;
  };
  const tokenize = (text: string): Token[] =>
    pieces(text).flatMap((piece) =>
      piece.isLiteral
        ? [{ text: piece.text + END_OF_WORD, id: idOf(piece.token) }]
        : piece.words.flatMap(wordTokens),
    );

  return {
    maxLength,
    encode(text) {
      const ids = tokenize(text).map(({ id }) => id);
      const encoded = [startId, ...ids.slice(0, maxLength - 2), endId];
      while (encoded.length < maxLength) encoded.push(paddingId);
      return encoded;
    },
    cutOff(text) {
      return decode(tokenize(text).slice(maxLength - 2));
    },
  };
}

/** Longer ones are no words of any language. */
const LONGEST_KEPT_WORD = 100;

/** A part of a text: a token that stands in it literally, or words. */
type Piece =
  | { readonly isLiteral: true; readonly text: string; readonly token: string }
  | { readonly isLiteral: false; readonly words: readonly string[] };

function slowPieces({ literal }: SpecialTokens): (text: string) => Piece[] {
  const split = splitByTokens(new Map([...literal.keys()].map((token) => [token, token])));
  return (text) => split(text, (part) => [{ isLiteral: false, words: splitWords(part) }]);
}

/** Some tokens are looked for in the text as it is, and others, cleaned, in the cleaned text. */
function fastPieces({ literal }: SpecialTokens): (text: string) => Piece[] {
  const tokensOf = (isNormalized: boolean): string[] =>
    [...literal].filter(([, token]) => token.isNormalized === isNormalized).map(([text]) => text);
  const split = splitByTokens(new Map(tokensOf(false).map((token) => [token, token])));
  const splitCleaned = splitByTokens(
    new Map(tokensOf(true).map((token) => [cleanFast(token), token])),
  );
  return (text) =>
    split(text, (part) =>
      splitCleaned(cleanFast(part), (words) => [{ isLiteral: false, words: splitFast(words) }]),
    );
}

/** @param tokens by the form that they have in a text; the longest goes before the others */
function splitByTokens(
  tokens: ReadonlyMap<string, string>,
): (text: string, between: (part: string) => Piece[]) => Piece[] {
  if (tokens.size === 0) return (text, between) => between(text);
  const longestFirst = [...tokens.keys()].sort((a, b) => b.length - a.length);
  const escaped = longestFirst.map((token) => token.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&'));
  // The pattern captures, so that tokens lie at the odd places.
  const pattern = new RegExp(`(${escaped.join('|')})`, 'u');
  return (text, between) =>
    text
      .split(pattern)
      .flatMap((part, i) =>
        i % 2 === 0
          ? between(part)
          : [{ isLiteral: true, text: part, token: tokens.get(part) ?? part }],
      );
}

/** The words of tokens, with a space between two. */
function decode(tokens: readonly Token[]): string {
  return fromByteCharacters(tokens.map(({ text }) => text).join(''))
    .replaceAll(END_OF_WORD, ' ')
    .trim();
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
