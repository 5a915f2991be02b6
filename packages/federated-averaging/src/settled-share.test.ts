import { settledShare } from './settled-share';

test.each([
  ['a plateau', [-1, 0.05, 1, 7], [0.2, 0.1, 0.3, 0.4], 0.7],
  ['all of it far up', [5, 6], [0.5, 0.5], 1],
  ['nothing above 0', [-3, -0.5], [0.5, 0.5], 0],
  // From 0.1 on nothing is left, and so are thresholds of 0.05, and of 0.0125; at 0.00625 four shares agree.
  ['a small scale', [0.03, 0.04], [0.5, 0.5], 1],
])('%s', (_, values, shares, expected) => {
  expect(settledShare({ values, shares })).toBeCloseTo(expected, 12);
});

test('a share that falls evenly settles where it falls no more', () => {
  const values = Array.from({ length: 100 }, (_, index) => index / 100);
  const spectrum = { values: [...values, 9], shares: [...values.map(() => 0.004), 0.6] };
  expect(settledShare(spectrum)).toBeCloseTo(0.6, 12);
});
