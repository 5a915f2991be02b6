import type { ClipTokenizerFiles } from './clip-tokenizer';

/**
 * The tokenizer of a `tokenizer.json`, the one file in which transformers 5 keeps vocabulary, merges and added tokens, and which
 * fast tokenizers of transformers 4 have besides the others.
 *
 * @param config the content of `tokenizer_config.json`, which says what the special tokens are, and the length
 * @throws Error when the file is that of another kind of tokenizer
 */
export function filesFromTokenizerJson(json: unknown, config: unknown): ClipTokenizerFiles {
  const { model, normalizer, added_tokens: added } = asObject(json, 'expected a JSON object');
  const isClip =
    at(model, 'type') === 'BPE' &&
    at(model, 'end_of_word_suffix') === '</w>' &&
    kindsOf(normalizer) === 'NFC, Replace, Lowercase';
  if (!isClip) {
    throw new Error(
      'tokenizer.json is not that of a CLIP tokenizer: expected byte-pair encoding with "</w>" of text in NFC and lower case.',
    );
  }
  const vocab = asObject(at(model, 'vocab'), 'tokenizer.json has no vocabulary');
  const merges = listOf(at(model, 'merges'), 'tokenizer.json has no merges').map((pair) =>
    // Pairs, and before tokenizers 0.20 texts with a space between the two.
    Array.isArray(pair) ? pair.join(' ') : String(pair),
  );
  const tokens = listOf(added ?? [], 'added_tokens of tokenizer.json must be a list');
  const listed = tokens.map((token) => [String(at(token, 'id')), token] as const);
  return {
    vocab: vocab as Record<string, number>,
    merges: ['#version: 0.2', ...merges].join('\n'),
    config: { ...asObject(config ?? {}, CONFIG), added_tokens_decoder: Object.fromEntries(listed) },
    cleaning: 'fast',
  };
}

const CONFIG = 'tokenizer_config.json must hold a JSON object';

function at(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null
    ? (value as Record<string, unknown>)[key]
    : undefined;
}

/** What a sequence of normalizers does. */
function kindsOf(normalizer: unknown): string {
  const sequence = at(normalizer, 'normalizers');
  return Array.isArray(sequence) ? sequence.map((part) => at(part, 'type')).join(', ') : '';
}

function asObject(value: unknown, otherwise: string): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new TypeError(`${otherwise}.`);
  }
  return value as Record<string, unknown>;
}

function listOf(value: unknown, otherwise: string): readonly unknown[] {
  if (!Array.isArray(value)) throw new TypeError(`${otherwise}.`);
  return value;
}
