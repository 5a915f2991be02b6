/** Many numbers in a few: how often they fall where. */
import type { Histogram } from '../run-folder/records';

const BUCKETS = 20;

/**
 * Counts the finite values in buckets of equal width from the smallest to the largest; values that are all alike take one
 * bucket of no width.
 * @returns undefined when no value is finite
 */
export function histogramOf(values: readonly number[]): Histogram | undefined {
  const finite = values.filter(Number.isFinite);
  if (finite.length === 0) return undefined;
  const minimum = finite.reduce((least, value) => Math.min(least, value));
  const maximum = finite.reduce((most, value) => Math.max(most, value));
  const width = (maximum - minimum) / BUCKETS;
  if (!(width > 0)) return { minimum, maximum, counts: [finite.length] };
  const counts = new Array<number>(BUCKETS).fill(0);
  for (const value of finite) {
    // The largest value belongs to the last bucket, whose end it is.
    counts[Math.min(Math.floor((value - minimum) / width), BUCKETS - 1)]! += 1;
  }
  return { minimum, maximum, counts };
}
