import { folderName, variantsOf } from './variants';

test('every combination of the levels is a variant, named after their values', () => {
  const variants = variantsOf({
    variants: {},
    factors: { 'algorithm.name': ['loop', 'rloo'], 'algorithm.k': [2, 4] },
  });
  expect(variants.map(({ name }) => name)).toEqual([
    'loop k=2',
    'loop k=4',
    'rloo k=2',
    'rloo k=4',
  ]);
  expect(variants[3]?.keys).toEqual([
    ['algorithm.name', 'rloo'],
    ['algorithm.k', 4],
  ]);
});

test('named variants and named levels set several keys', () => {
  const variants = variantsOf({
    variants: { small: { 'lora.rank': 2 }, large: { 'lora.rank': 16, ema: { decay: 0.9 } } },
    factors: { pace: { slow: { 'optimizer.learningRate': 1e-4 }, fast: {} } },
  });
  expect(variants).toEqual([
    {
      name: 'small slow',
      keys: [
        ['lora.rank', 2],
        ['optimizer.learningRate', 1e-4],
      ],
    },
    { name: 'small fast', keys: [['lora.rank', 2]] },
    {
      name: 'large slow',
      keys: [
        ['lora.rank', 16],
        ['ema.decay', 0.9],
        ['optimizer.learningRate', 1e-4],
      ],
    },
    {
      name: 'large fast',
      keys: [
        ['lora.rank', 16],
        ['ema.decay', 0.9],
      ],
    },
  ]);
});

test('a study that varies nothing has one variant', () => {
  expect(variantsOf({ variants: {}, factors: {} })).toEqual([{ name: 'base', keys: [] }]);
});

test('values that are no text have one all the same', () => {
  const [variant] = variantsOf({ variants: {}, factors: { 'algorithm.advantageClip': [null] } });
  expect(variant).toEqual({
    name: 'advantageClip=null',
    keys: [['algorithm.advantageClip', null]],
  });
});

test('two variants of one name are refused, and a study without end', () => {
  expect(() => variantsOf({ variants: {}, factors: { model: ['a', 'a'] } })).toThrow(
    "The study has two variants of the name 'model=a'; name their levels",
  );
  const ten = Array.from({ length: 11 }, (_, index) => index);
  expect(() => variantsOf({ variants: {}, factors: { a: ten, b: ten, c: ten } })).toThrow(
    'The study has 1331 variants, and may have at most 1000; give its factors fewer levels',
  );
});

test('folders have names that every system takes', () => {
  expect(folderName('loop k=4 rate=1e-3')).toBe('loop-k=4-rate=1e-3');
  expect(folderName('../../etc')).toBe('etc');
  expect(folderName('***')).toBe('variant');
  expect(folderName('aux')).toBe('_aux');
  expect(folderName('e\u0301')).toBe('\u00e9');
  const [long, longer] = [folderName('a'.repeat(300)), folderName('a'.repeat(301))];
  expect(long).toHaveLength(89);
  expect(long).not.toBe(longer);
});
