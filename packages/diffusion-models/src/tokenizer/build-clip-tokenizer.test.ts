import { buildClipTokenizerFiles } from './build-clip-tokenizer';
import { createClipTokenizer } from './clip-tokenizer';

const corpus = [
  'a red circle',
  'two green triangles',
  'a red square left of a blue circle',
  "don't",
];

describe('buildClipTokenizerFiles', () => {
  const files = buildClipTokenizerFiles(corpus, { maxLength: 16 });
  const tokenizer = createClipTokenizer(files);
  const end = files.vocab['<|endoftext|>']!;

  it('makes every word of the corpus one token', () => {
    expect(tokenizer.maxLength).toBe(16);
    const ids = tokenizer.encode('two green triangles left of a circle');
    const text = ids.map((id) => Object.keys(files.vocab).find((key) => files.vocab[key] === id));
    expect(text.slice(0, 9)).toEqual([
      '<|startoftext|>',
      'two</w>',
      'green</w>',
      'triangles</w>',
      'left</w>',
      'of</w>',
      'a</w>',
      'circle</w>',
      '<|endoftext|>',
    ]);
    expect(ids.slice(8).every((id) => id === end)).toBe(true);
  });

  it('lays ids out as CLIP does: bytes, bytes that end a word, merges, start, end', () => {
    expect(files.vocab['!']).toBe(0);
    expect(files.vocab['!</w>']).toBe(256);
    expect(files.vocab['a</w>']).toBe(320);
    const ids = Object.values(files.vocab);
    expect([...ids].sort((a, b) => a - b)).toEqual(ids.map((_, i) => i));
    expect(files.vocab['<|startoftext|>']).toBe(ids.length - 2);
    expect(end).toBe(ids.length - 1);
  });

  it('encodes any text, known or not', () => {
    const ids = tokenizer.encode('Ünknown 🙂');
    expect(ids.length).toBe(16);
    expect(ids.indexOf(end)).toBeGreaterThan(5);
  });

  it('does not depend on the order of the corpus', () => {
    expect(buildClipTokenizerFiles([...corpus].reverse(), { maxLength: 16 })).toEqual(files);
  });

  it('stops at the maximum of merges', () => {
    const few = buildClipTokenizerFiles(corpus, { maximumMerges: 3 });
    expect(few.merges.trim().split('\n').length).toBe(1 + 3);
    expect(Object.keys(few.vocab).length).toBe(512 + 3 + 2);
    const none = buildClipTokenizerFiles([], {});
    expect(createClipTokenizer(none).encode('a').slice(0, 3)).toEqual([512, 320, 513]);
  });

  it('refuses options out of range', () => {
    expect(() => buildClipTokenizerFiles(corpus, { maximumMerges: -1 })).toThrow(/maximumMerges/);
    expect(() => buildClipTokenizerFiles(corpus, { maxLength: 1 })).toThrow(/maxLength/);
  });
});
