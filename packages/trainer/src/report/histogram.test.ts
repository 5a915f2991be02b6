import fc from 'fast-check';

import { histogramOf } from './histogram';

test('buckets of equal width, the largest value in the last', () => {
  const { minimum, maximum, counts } = histogramOf([0, 0.5, 9.4, 9.6, 10, 20])!;
  expect([minimum, maximum]).toEqual([0, 20]);
  expect(counts).toHaveLength(20);
  expect(counts.map((count, bucket) => [bucket, count]).filter(([, count]) => count)).toEqual([
    [0, 2],
    [9, 2],
    [10, 1],
    [19, 1],
  ]);
});

test('values that are alike, that are missing, and none', () => {
  expect(histogramOf([3, Number.NaN, 3])).toEqual({ minimum: 3, maximum: 3, counts: [2] });
  expect(histogramOf([Number.NaN, Infinity])).toBeUndefined();
  expect(histogramOf([])).toBeUndefined();
});

test('every finite value is counted once', () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: -1e6, max: 1e6 }), { minLength: 1 }), (values) => {
      const { counts = [] } = histogramOf(values) ?? {};
      const finite = values.filter(Number.isFinite).length;
      expect(counts.reduce((sum, count) => sum + count, 0)).toBe(finite);
    }),
  );
});
