import { configDifferences } from './config-differences';

test('names the keys that differ, by their paths', () => {
  const configs = [
    { output: 'runs/a', seed: 0, algorithm: { k: 4, name: 'loop' }, rewards: [{ name: 'shapes' }] },
    { output: 'runs/b', seed: 0, algorithm: { k: 8, name: 'loop' }, rewards: [{ name: 'jpeg' }] },
  ];
  expect(configDifferences(configs)).toEqual([
    { key: 'algorithm.k', values: [4, 8] },
    { key: 'rewards.0.name', values: ['shapes', 'jpeg'] },
  ]);
});

test('a key that a configuration lacks is undefined there, and null is a value', () => {
  const configs: Record<string, unknown>[] = [{ a: null, constructor: 1 }, {}, { a: 3 }];
  expect(configDifferences(configs)).toEqual([
    { key: 'a', values: [null, undefined, 3] },
    { key: 'constructor', values: [1, undefined, undefined] },
  ]);
});

test('one run differs from nothing', () => {
  expect(configDifferences([{ seed: 1 }])).toEqual([]);
});
