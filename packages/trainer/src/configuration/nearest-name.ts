/** The name that was probably meant. */
import { distance } from 'fastest-levenshtein';

/**
 * @returns the candidate closest to `name`, or undefined when none is close: at most a third of its letters, and at
 * least two, may be inserted, deleted or replaced.
 */
export function nearestName(name: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.max(2, Math.floor(name.length / 3)) + 1;
  for (const candidate of candidates) {
    const letters = distance(name.toLowerCase(), candidate.toLowerCase());
    if (letters < bestDistance && letters < Math.max(name.length, candidate.length)) {
      best = candidate;
      bestDistance = letters;
    }
  }
  return best;
}
