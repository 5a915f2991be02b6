import { fullJitter } from './backoff';

it('doubles the longest wait with each failure, up to 8 s, and takes any part of it', () => {
  const waits = (random: number) => [1, 2, 3, 6, 7, 60].map((n) => fullJitter()(n, () => random));
  expect(waits(0.5)).toEqual([125, 250, 500, 4000, 4000, 4000]);
  expect(waits(0)).toEqual([0, 0, 0, 0, 0, 0]);
  const own = fullJitter({ firstMs: 10, longestMs: 15 });
  expect([1, 2].map((n) => own(n, () => 0.5))).toEqual([5, 7.5]);
});
