/** How long to wait before asking again. */

const FIRST_MS = 250;
const LONGEST_MS = 8_000;

/**
 * Exponential backoff with full jitter: uniform in [0, min(8 s, 250 ms · 2^(attempt − 1))), so that clients that failed
 * together do not come back together (Brooker 2015, "Exponential Backoff And Jitter").
 *
 * @param attempt how many attempts have failed, from 1
 * @param random uniform in [0, 1)
 */
export function fullJitter(attempt: number, random: () => number): number {
  return random() * Math.min(LONGEST_MS, FIRST_MS * 2 ** (attempt - 1));
}

/**
 * Milliseconds that a Retry-After header asks for: whole seconds or an HTTP date (RFC 9110, 10.2.3).
 * @returns 0 when there is none, it cannot be read, or its time has passed
 */
export function retryAfterMs(header: string | null, now: number): number {
  const text = header?.trim() ?? '';
  if (/^\d+$/.test(text)) return Number(text) * 1000;
  // A date starts with the day's name; Date.parse alone reads far more than dates.
  // The oldest of its three forms leaves out that it is in GMT.
  const inGmt = text.endsWith('GMT') ? text : `${text} GMT`;
  const date = /^[A-Z][a-z]{2,8},? /.test(text) ? Date.parse(inGmt) : Number.NaN;
  return Number.isNaN(date) ? 0 : Math.max(0, date - now);
}
