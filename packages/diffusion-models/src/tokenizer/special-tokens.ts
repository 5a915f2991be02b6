/** The tokens with a part to play, by their text. */
export interface SpecialTokens {
  readonly start: string;
  readonly end: string;
  readonly padding: string;
  readonly unknown: string;
  /** Every token that is recognised literally in a text. */
  readonly literal: ReadonlyMap<string, LiteralToken>;
}

export interface LiteralToken {
  /** Where a file gives it; else the vocabulary has it. */
  readonly id: number | undefined;
  /** Is it looked for after the text was cleaned? Only fast tokenizers make that difference. */
  readonly isNormalized: boolean;
}

/** The files that tell of tokens, parsed. */
export interface TokenFiles {
  /** `special_tokens_map.json` */
  readonly specialTokens?: unknown;
  /** `tokenizer_config.json` */
  readonly config?: unknown;
  /** `added_tokens.json`: token → id, as transformers wrote before 4.34. */
  readonly addedTokens?: unknown;
}

export const START_OF_TEXT = '<|startoftext|>';
export const END_OF_TEXT = '<|endoftext|>';

/**
 * Reads the special tokens as transformers 4 does: `tokenizer_config.json` decides if it lists `added_tokens_decoder`. Else
 * `special_tokens_map.json` overrides it (that is where Stable Diffusion 2 says that it pads with "!"), and `added_tokens.json` has
 * the tokens that were added, such as those of textual inversion. Further special tokens that are in none of the files get the
 * ids after the last one.
 */
export function parseSpecialTokens(
  { specialTokens, config: tokenizerConfig, addedTokens }: TokenFiles,
  vocabulary: ReadonlyMap<string, number>,
): SpecialTokens {
  const config = asObject(tokenizerConfig, 'tokenizer_config.json');
  const map = asObject(specialTokens, 'special_tokens_map.json');
  const decoder = config['added_tokens_decoder'] ?? undefined;
  const isListed = decoder !== undefined;
  const token = (name: string, otherwise: string): string => {
    const fromConfig = tokenText(config[name], `tokenizer_config.json: ${name}`);
    if (isListed) return fromConfig ?? otherwise;
    return tokenText(map[name], `special_tokens_map.json: ${name}`) ?? fromConfig ?? otherwise;
  };
  const start = token('bos_token', START_OF_TEXT);
  const end = token('eos_token', END_OF_TEXT);
  const padding = token('pad_token', END_OF_TEXT);
  const unknown = token('unk_token', END_OF_TEXT);

  const literal = new Map<string, LiteralToken>();
  for (const text of [start, end, padding, unknown]) {
    literal.set(text, { id: undefined, isNormalized: false });
  }
  for (const [id, entry] of Object.entries(asObject(decoder, 'added_tokens_decoder'))) {
    const text = tokenText(entry, `tokenizer_config.json: added_tokens_decoder[${id}]`);
    if (text === undefined) continue;
    const { normalized } = entry as { normalized?: unknown };
    literal.set(text, { id: Number(id), isNormalized: normalized === true });
  }
  if (!isListed) {
    for (const [text, id] of Object.entries(asObject(addedTokens, 'added_tokens.json'))) {
      if (!Number.isSafeInteger(id) || (id as number) < 0) {
        throw new TypeError(
          `added_tokens.json must give whole numbers as ids; ${JSON.stringify(text)} has ${JSON.stringify(id)}.`,
        );
      }
      literal.set(text, { id: id as number, isNormalized: true });
    }
  }
  const further = furtherTokens(config, isListed ? {} : map);
  const added = [...literal.keys()].filter((text) => !vocabulary.has(text));
  let next = vocabulary.size + added.length;
  for (const text of further) {
    const id = literal.get(text)?.id ?? vocabulary.get(text) ?? next++;
    literal.set(text, { id, isNormalized: false });
  }
  return { start, end, padding, unknown, literal };
}

/** Special tokens without a part of their own, which transformers 5 calls extra ones. */
function furtherTokens(
  config: Readonly<Record<string, unknown>>,
  map: Readonly<Record<string, unknown>>,
): string[] {
  const texts: string[] = [];
  for (const name of ['additional_special_tokens', 'extra_special_tokens']) {
    const [value, file] =
      map[name] === undefined
        ? [config[name] ?? [], 'tokenizer_config.json']
        : [map[name] ?? [], 'special_tokens_map.json'];
    const what = `${file}: ${name}`;
    for (const entry of Array.isArray(value) ? value : Object.values(asObject(value, what))) {
      const text = tokenText(entry, what);
      if (text !== undefined) texts.push(text);
    }
  }
  return texts;
}

function asObject(value: unknown, what: string): Readonly<Record<string, unknown>> {
  if (value === undefined || value === null) return {};
  if (typeof value !== 'object' || Array.isArray(value)) {
    throw new TypeError(`${what} must hold a JSON object.`);
  }
  return value as Record<string, unknown>;
}

/** A token is written as its text, or as an object whose `content` is its text. */
function tokenText(value: unknown, what: string): string | undefined {
  if (value === undefined || value === null) return undefined;
  const text = typeof value === 'string' ? value : asObject(value, what)['content'];
  if (typeof text !== 'string' || text === '') {
    throw new TypeError(`${what} must be a text or an object with a text as its "content".`);
  }
  return text;
}
