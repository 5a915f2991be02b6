import { byteAlphabet, byteCharacters, bytesInVocabularyOrder } from './byte-alphabet';
import { END_OF_WORD, initialSymbols, mergePair, pairKey } from './byte-pair-encoding';
import type { ClipTokenizerFiles } from './clip-tokenizer';
import { END_OF_TEXT, START_OF_TEXT } from './special-tokens';
import { splitWords } from './split-words';

export interface BuildClipTokenizerOptions {
  /** At most so many merges are learned; the default is enough for a corpus of some hundred words. */
  readonly maximumMerges?: number;
  /** Tokens of an encoded text, start and end included. Default 77. */
  readonly maxLength?: number;
}

/** A tokenizer folder with all four files. */
export type BuiltClipTokenizerFiles = Required<
  Pick<ClipTokenizerFiles, 'vocab' | 'merges' | 'specialTokens' | 'config'>
>;

/**
 * Learns a small CLIP vocabulary from a corpus by byte-pair encoding (Sennrich et al. 2016): the most frequent pair of
 * neighbours becomes a symbol, until every word of the corpus is one token or the merges run out. The ids are laid out as
 * CLIP's: 256 bytes, 256 bytes that end a word, merges, start, end. `transformers.CLIPTokenizer` loads the files.
 *
 * @param corpus texts; how often a word occurs decides what is merged first
 * @throws RangeError when an option is out of its range
 */
export function buildClipTokenizerFiles(
  corpus: readonly string[],
  options: BuildClipTokenizerOptions = {},
): BuiltClipTokenizerFiles {
  const { maximumMerges = 5000, maxLength = 77 } = options;
  if (!Number.isSafeInteger(maximumMerges) || maximumMerges < 0) {
    throw new RangeError(`maximumMerges must be a whole number from 0 on, it is ${maximumMerges}.`);
  }
  if (!Number.isSafeInteger(maxLength) || maxLength < 2) {
    throw new RangeError(`maxLength must be a whole number of at least 2, it is ${maxLength}.`);
  }

  const merges = learnMerges(countWords(corpus), maximumMerges);
  const bytes = bytesInVocabularyOrder().map((byte) => byteAlphabet[byte] ?? '');
  const tokens = [
    ...bytes,
    ...bytes.map((character) => character + END_OF_WORD),
    ...merges.map(([left, right]) => left + right),
    START_OF_TEXT,
    END_OF_TEXT,
  ];
  const vocab: Record<string, number> = {};
  // Two merges can give the same symbol; it keeps one id.
  for (const [id, token] of [...new Set(tokens)].entries()) vocab[token] = id;

  const special = (content: string) => ({
    content,
    lstrip: false,
    normalized: true,
    rstrip: false,
    single_word: false,
  });
  return {
    vocab,
    merges: ['#version: 0.2', ...merges.map(([left, right]) => `${left} ${right}`), ''].join('\n'),
    specialTokens: {
      bos_token: special(START_OF_TEXT),
      eos_token: special(END_OF_TEXT),
      pad_token: END_OF_TEXT,
      unk_token: special(END_OF_TEXT),
    },
    config: {
      added_tokens_decoder: Object.fromEntries(
        [START_OF_TEXT, END_OF_TEXT].map((token) => [
          String(vocab[token]),
          { ...special(token), special: true },
        ]),
      ),
      bos_token: START_OF_TEXT,
      clean_up_tokenization_spaces: false,
      eos_token: END_OF_TEXT,
      errors: 'replace',
      model_max_length: maxLength,
      pad_token: END_OF_TEXT,
      tokenizer_class: 'CLIPTokenizer',
      unk_token: END_OF_TEXT,
    },
  };
}

interface CountedWord {
  symbols: string[];
  readonly count: number;
}

function countWords(corpus: readonly string[]): CountedWord[] {
  const counts = new Map<string, number>();
  for (const text of corpus) {
    for (const word of splitWords(text)) counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  return [...counts].map(([word, count]) => ({
    symbols: initialSymbols(byteCharacters(word)),
    count,
  }));
}

function learnMerges(words: readonly CountedWord[], maximum: number): [string, string][] {
  const merges: [string, string][] = [];
  while (merges.length < maximum) {
    const best = mostFrequentPair(words);
    if (best === undefined) break;
    merges.push(best);
    for (const word of words) word.symbols = mergePair(word.symbols, ...best);
  }
  return merges;
}

/** The pair with the highest count; among equals the first in the order of code units, so that nothing depends on the corpus' order. */
function mostFrequentPair(words: readonly CountedWord[]): [string, string] | undefined {
  const counts = new Map<string, { pair: [string, string]; count: number }>();
  for (const { symbols, count } of words) {
    for (let i = 0; i + 1 < symbols.length; i++) {
      const pair: [string, string] = [symbols[i] ?? '', symbols[i + 1] ?? ''];
      const key = pairKey(...pair);
      const entry = counts.get(key);
      if (entry === undefined) counts.set(key, { pair, count });
      else entry.count += count;
    }
  }
  let best: { key: string; pair: [string, string]; count: number } | undefined;
  for (const [key, { pair, count }] of counts) {
    if (best === undefined || count > best.count || (count === best.count && key < best.key)) {
      best = { key, pair, count };
    }
  }
  return best?.pair;
}
