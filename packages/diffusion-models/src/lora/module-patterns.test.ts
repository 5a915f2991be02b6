import { patternReader } from './module-patterns';

describe('patternReader', () => {
  // peft 0.21.2: get_pattern_key(["^mid.conv1", "attn2.to_k", "conv1", "ff.net.*"], path)
  const read = patternReader({ '^mid.conv1': 1, 'attn2.to_k': 2, conv1: 3, 'ff.net.*': 4 });
  it.each([
    ['mid.conv1', 1],
    ['down.mid.conv1', 3],
    ['down.attn2.to_k', 2],
    ['down.attn2.to_k.extra', undefined],
    ['down.my_conv1', undefined],
    ['down.ff.net.0.proj', 4],
    ['conv1', 3],
  ])('of %s', (path, value) => {
    expect(read(path)).toBe(value);
  });

  it.each(['(a+)+', '(a|b){2}', '.*.*.*.*.*', 'a'.repeat(257)])('refuses %s', (pattern) => {
    expect(() => patternReader({ [pattern]: 1 })).toThrow(/too complicated/);
  });

  it('refuses what is no regular expression', () => {
    expect(() => patternReader({ '[': 1 })).toThrow(/is not a pattern/);
  });
});
