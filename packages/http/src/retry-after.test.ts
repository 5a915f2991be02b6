import { retryAfterMs } from './retry-after';

it.each([
  [null, undefined],
  ['', undefined],
  ['0', 0],
  ['3', 3000],
  [' 120 ', 120_000],
  ['-3', undefined],
  ['1.5', undefined],
  ['soon', undefined],
  ['12345678901', undefined],
  // The three forms of a date in RFC 9110, 5.6.7, one of them in the past.
  ['Sun, 06 Nov 1994 08:49:37 GMT', 37_000],
  ['Sunday, 06-Nov-94 08:49:37 GMT', 37_000],
  ['Sun Nov  6 08:49:37 1994', 37_000],
  ['Sun, 06 Nov 1994 08:48:59 GMT', 0],
])('reads Retry-After: %s', (header, milliseconds) => {
  expect(retryAfterMs(header, Date.UTC(1994, 10, 6, 8, 49, 0))).toBe(milliseconds);
});
