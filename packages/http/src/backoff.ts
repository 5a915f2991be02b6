/** How long to wait before asking again. */

/**
 * @param failures how many attempts have failed, from 1
 * @param random uniform in [0, 1)
 * @returns milliseconds
 */
export type Backoff = (failures: number, random: () => number) => number;

/**
 * Exponential backoff with full jitter: uniform in [0, min(longest, first · 2^(failures − 1))), so that clients that failed
 * together do not come back together (Brooker 2015, "Exponential Backoff And Jitter").
 */
export function fullJitter({ firstMs = 250, longestMs = 8_000 } = {}): Backoff {
  return (failures, random) => random() * Math.min(longestMs, firstMs * 2 ** (failures - 1));
}
