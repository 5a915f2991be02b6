import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createClipTokenizer, type ClipTokenizerFiles } from './clip-tokenizer';

const read = (file: string) =>
  readFileSync(join(__dirname, '../../fixtures/tokenizer', file), 'utf8');
const files = {
  vocab: JSON.parse(read('vocab.json')) as Record<string, number>,
  merges: read('merges.txt'),
  specialTokens: JSON.parse(read('special_tokens_map.json')) as unknown,
  config: JSON.parse(read('tokenizer_config.json')) as Record<string, unknown>,
};
const pipelineConfig = JSON.parse(
  readFileSync(join(__dirname, '../../fixtures/pipeline/tokenizer/tokenizer_config.json'), 'utf8'),
) as Record<string, unknown>;
const { cases } = JSON.parse(read('cases.json')) as {
  cases: { text: string; ids: number[]; ids77: number[]; ids_fast?: number[] }[];
};

describe('createClipTokenizer', () => {
  const tokenizer = createClipTokenizer(files);
  const long = createClipTokenizer({
    ...files,
    config: { ...files.config, model_max_length: 500 },
  });

  it('has cases to check', () => {
    expect(cases.length).toBe(67);
  });

  it.each(cases)('encodes $text as transformers does', ({ text, ids, ids77 }) => {
    expect(tokenizer.encode(text)).toEqual(ids77);
    const padded = long.encode(text);
    expect(padded.slice(0, ids.length)).toEqual(ids);
    expect(padded.slice(ids.length).every((id) => id === 1013)).toBe(true);
  });

  const fast = createClipTokenizer({
    ...files,
    cleaning: 'fast',
    config: { ...files.config, model_max_length: 500 },
  });
  it.each(cases)('encodes $text as the fast tokenizer does', ({ text, ids, ids_fast: fastIds }) => {
    const expected = fastIds ?? ids;
    expect(fast.encode(text).slice(0, expected.length)).toEqual(expected);
  });

  it('gives the same ids the second time, from its cache', () => {
    expect(tokenizer.encode('a red circle')).toEqual(tokenizer.encode('a red circle'));
  });

  it('keeps the end token when it cuts', () => {
    const ids = tokenizer.encode('a '.repeat(200));
    expect(ids.length).toBe(77);
    expect(ids.at(-1)).toBe(1013);
  });

  it('says what it cuts off', () => {
    const short = createClipTokenizer({ ...files, config: { model_max_length: 6 } });
    expect(short.encode("A red circle and isn't <|endoftext|>x").length).toBe(6);
    expect(short.cutOff('a red circle')).toBe('');
    expect(short.cutOff("A red circle and isn't <|endoftext|>x")).toBe("isn 't <|endoftext|> x");
    expect(tokenizer.cutOff(`${'a '.repeat(75)}über`)).toBe('über');
    expect(tokenizer.cutOff('a '.repeat(75))).toBe('');
  });

  it('encodes a word of any length', () => {
    const ids = tokenizer.encode('xy'.repeat(100_000));
    expect(ids.length).toBe(77);
    expect(tokenizer.cutOff('xy'.repeat(100_000)).length).toBeGreaterThan(190_000);
  });

  // Ids of transformers 4.57.6 for "a <my-style> in" and "a<my-style>s!x in", without the start and end.
  const plain = [
    [320, 283, 76, 344, 268, 531, 88, 517, 285, 555],
    [320, 283, 76, 344, 268, 531, 88, 517, 285, 338, 256, 343, 555],
  ];
  const { added_tokens_decoder: listed, ...unlisted } = pipelineConfig;
  it.each<[what: string, change: Partial<ClipTokenizerFiles>, ids: number[][]]>([
    [
      'added_tokens.json',
      { addedTokens: { '<my-style>': 1014 } },
      [
        [320, 1014, 555],
        [320, 1014, 338, 256, 343, 555],
      ],
    ],
    [
      'several tokens of added_tokens.json',
      { addedTokens: { '<my-style>': 1015, '!x': 1014 } },
      [
        [320, 1015, 555],
        [320, 1015, 338, 1014, 555],
      ],
    ],
    ['a token in upper case', { addedTokens: { '<My-Style>': 1014 } }, plain],
    [
      'special_tokens_map.json with its additional ones in added_tokens.json',
      {
        addedTokens: { '<my-style>': 1014 },
        specialTokens: { additional_special_tokens: ['<my-style>'] },
      },
      [
        [320, 1014, 555],
        [320, 1014, 338, 256, 343, 555],
      ],
    ],
    [
      'special_tokens_map.json alone',
      { specialTokens: { additional_special_tokens: ['<my-style>', '!x'] } },
      [
        [320, 1014, 555],
        [320, 1014, 338, 1015, 555],
      ],
    ],
    [
      'tokenizer_config.json',
      { config: { ...unlisted, additional_special_tokens: ['<my-style>', '!x'] } },
      [
        [320, 1014, 555],
        [320, 1014, 338, 1015, 555],
      ],
    ],
    [
      'tokenizer_config.json, which lists its tokens',
      { config: { ...pipelineConfig, additional_special_tokens: ['<my-style>', '!x'] } },
      [
        [320, 1014, 555],
        [320, 1014, 338, 1015, 555],
      ],
    ],
    [
      'tokenizer_config.json, by which the older files do not count',
      {
        config: { ...pipelineConfig, added_tokens_decoder: listed },
        addedTokens: { '<my-style>': 1014 },
        specialTokens: { additional_special_tokens: ['<my-style>'] },
      },
      plain,
    ],
  ])('recognises the tokens of %s', (_what, change, expected) => {
    const { encode } = createClipTokenizer({ ...files, config: unlisted, ...change });
    const encoded = ['a <my-style> in', 'a<my-style>s!x in'].map((text) => encode(text));
    expect(encoded.map((ids) => ids.slice(1, ids.indexOf(1013)))).toEqual(expected);
  });

  it('takes 77 tokens where the files give no length, or the one that stands for none', () => {
    expect(createClipTokenizer({ ...files, config: undefined }).maxLength).toBe(77);
    expect(createClipTokenizer({ ...files, config: { model_max_length: 1e30 } }).maxLength).toBe(
      77,
    );
  });

  it('pads with the token of special_tokens_map.json unless tokenizer_config.json lists its tokens', () => {
    const specialTokens = { pad_token: '!' };
    const old = createClipTokenizer({ ...files, specialTokens, config: { pad_token: 'x' } });
    expect(old.encode('a').slice(0, 5)).toEqual([1012, 320, 1013, 0, 0]);
    // The padding token is then a special token wherever it stands; elsewhere "!" ends a word.
    expect(old.encode('a!').slice(0, 5)).toEqual([1012, 320, 0, 1013, 0]);
    const current = createClipTokenizer({ ...files, specialTokens });
    expect(current.encode('a!').slice(0, 5)).toEqual([1012, 320, 256, 1013, 1013]);
  });

  it('gives unknown symbols the unknown token', () => {
    const { z, ...vocab } = files.vocab;
    expect(z).toBeDefined();
    expect(
      createClipTokenizer({ ...files, vocab })
        .encode('zq')
        .slice(0, 3),
    ).toEqual([1012, 1013, files.vocab['q</w>']]);
  });

  it.each([
    [
      'a vocabulary that is a list',
      { vocab: [] as unknown as Record<string, number> },
      /object from tokens to ids/,
    ],
    ['an id that is no number', { vocab: { a: '1' as unknown as number } }, /"a" has "1"/],
    [
      'a vocabulary without the special tokens',
      { vocab: { a: 1 }, config: {} },
      /"<\|startoftext\|>" is not in vocab.json/,
    ],
    ['a merge of three symbols', { merges: '#version\na b\na b c' }, /Line 3 of merges.txt/],
    [
      'a length below 2',
      { config: { model_max_length: 1 } },
      /model_max_length must be .* at least 2/,
    ],
    ['a special token that is a number', { config: { bos_token: 3 } }, /bos_token/],
    ['an added token without an id', { addedTokens: { '<x>': '1' }, config: {} }, /"<x>" has "1"/],
    ['a configuration that is a list', { config: [] }, /must hold a JSON object/],
  ])('refuses %s', (_what, change, message) => {
    expect(() => createClipTokenizer({ ...files, ...change })).toThrow(message);
  });
});
