/** The tokens with a part to play, by their text. */
export interface SpecialTokens {
  readonly start: string;
  readonly end: string;
  readonly padding: string;
  readonly unknown: string;
  /** Every token that is recognised literally in a text, before any cleaning, with its id where a file gives it. */
  readonly literal: ReadonlyMap<string, number | undefined>;
}

export const START_OF_TEXT = '<|startoftext|>';
export const END_OF_TEXT = '<|endoftext|>';

/**
 * Reads the special tokens as transformers 4 does: `tokenizer_config.json` decides if it lists `added_tokens_decoder`, else
 * `special_tokens_map.json` overrides it (that is where Stable Diffusion 2 says that it pads with "!").
 */
export function parseSpecialTokens(
  specialTokensMap: unknown,
  tokenizerConfig: unknown,
): SpecialTokens {
  const config = asObject(tokenizerConfig, 'tokenizer_config.json');
  const map = asObject(specialTokensMap, 'special_tokens_map.json');
  const added = config['added_tokens_decoder'];
  const token = (name: string, otherwise: string): string => {
    const fromConfig = tokenText(config[name], `tokenizer_config.json: ${name}`);
    if (added !== undefined) return fromConfig ?? otherwise;
    return tokenText(map[name], `special_tokens_map.json: ${name}`) ?? fromConfig ?? otherwise;
  };
  const start = token('bos_token', START_OF_TEXT);
  const end = token('eos_token', END_OF_TEXT);
  const padding = token('pad_token', END_OF_TEXT);
  const unknown = token('unk_token', END_OF_TEXT);

  const literal = new Map<string, number | undefined>();
  for (const text of [start, end, padding, unknown]) literal.set(text, undefined);
  for (const [id, entry] of Object.entries(asObject(added, 'added_tokens_decoder'))) {
    const text = tokenText(entry, `tokenizer_config.json: added_tokens_decoder[${id}]`);
    if (text !== undefined) literal.set(text, Number(id));
  }
  return { start, end, padding, unknown, literal };
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
