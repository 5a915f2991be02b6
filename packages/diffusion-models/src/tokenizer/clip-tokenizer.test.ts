import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createClipTokenizer } from './clip-tokenizer';

const read = (file: string) =>
  readFileSync(join(__dirname, '../../fixtures/tokenizer', file), 'utf8');
const files = {
  vocab: JSON.parse(read('vocab.json')) as Record<string, number>,
  merges: read('merges.txt'),
  specialTokens: JSON.parse(read('special_tokens_map.json')) as unknown,
  config: JSON.parse(read('tokenizer_config.json')) as Record<string, unknown>,
};
const { cases } = JSON.parse(read('cases.json')) as {
  cases: { text: string; ids: number[]; ids77: number[] }[];
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

  it('gives the same ids the second time, from its cache', () => {
    expect(tokenizer.encode('a red circle')).toEqual(tokenizer.encode('a red circle'));
  });

  it('keeps the end token when it cuts', () => {
    const ids = tokenizer.encode('a '.repeat(200));
    expect(ids.length).toBe(77);
    expect(ids.at(-1)).toBe(1013);
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
    ['a configuration that is a list', { config: [] }, /must hold a JSON object/],
  ])('refuses %s', (_what, change, message) => {
    expect(() => createClipTokenizer({ ...files, ...change })).toThrow(message);
  });
});
