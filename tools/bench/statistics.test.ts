import { median, quantile, quartiles } from './statistics';

test('the median is the middle value, or half-way between the two', () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1, 3, 2])).toBe(2.5);
  expect(median([7])).toBe(7);
});

test('quartiles lie at positions (n − 1) / 4 and 3 (n − 1) / 4, as numpy.quantile has them', () => {
  expect(quartiles([1, 2, 3, 4, 5])).toEqual([2, 4]);
  // Positions 0.75 and 2.25: 10 + 0.75 · 10 and 30 + 0.25 · 10.
  expect(quartiles([40, 10, 30, 20])).toEqual([17.5, 32.5]);
  expect(quantile([1, 2], 0)).toBe(1);
  expect(quantile([1, 2], 1)).toBe(2);
});

test('there is none of nothing', () => {
  expect(() => median([])).toThrow(RangeError);
});
