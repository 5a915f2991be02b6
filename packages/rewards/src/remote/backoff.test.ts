import { fullJitter, retryAfterMs } from './backoff';

it('doubles the longest wait with each failure, up to 8 s, and takes any part of it', () => {
  const waits = (random: number) => [1, 2, 3, 6, 7, 60].map((n) => fullJitter(n, () => random));
  expect(waits(0.5)).toEqual([125, 250, 500, 4000, 4000, 4000]);
  expect(waits(0)).toEqual([0, 0, 0, 0, 0, 0]);
});

it.each([
  [null, 0],
  ['', 0],
  ['0', 0],
  ['3', 3000],
  [' 120 ', 120_000],
  ['-3', 0],
  ['1.5', 0],
  ['soon', 0],
  // The three forms of a date in RFC 9110, 5.6.7, one of them in the past.
  ['Sun, 06 Nov 1994 08:49:37 GMT', 37_000],
  ['Sunday, 06-Nov-94 08:49:37 GMT', 37_000],
  ['Sun Nov  6 08:49:37 1994', 37_000],
  ['Sun, 06 Nov 1994 08:48:59 GMT', 0],
])('reads Retry-After: %s', (header, milliseconds) => {
  expect(retryAfterMs(header, Date.UTC(1994, 10, 6, 8, 49, 0))).toBe(milliseconds);
});
