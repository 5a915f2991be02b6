import { createMinimumHeap } from './minimum-heap';

/** Mark of a symbol that ends its word. */
export const END_OF_WORD = '</w>';

/** Between two symbols of a pair used as a key; symbols hold no spaces. */
const SEPARATOR = ' ';

export type MergeRanks = ReadonlyMap<string, number>;

export function pairKey(left: string, right: string): string {
  return left + SEPARATOR + right;
}

/**
 * Ranks from the text of `merges.txt`: a header line, then a pair per line, the most important first.
 * @throws Error when a line holds no pair
 */
export function parseMerges(text: string, limit: number): MergeRanks {
  const ranks = new Map<string, number>();
  const lines = text
    .trim()
    .split(/\r?\n/u)
    .slice(1, 1 + limit);
  for (const [rank, line] of lines.entries()) {
    const [left, right, ...rest] = line.trim().split(/\s+/u);
    if (left === undefined || right === undefined || rest.length > 0) {
      throw new Error(
        `Line ${rank + 2} of merges.txt must hold two symbols with a space between them, found ${JSON.stringify(line)}.`,
      );
    }
    ranks.set(pairKey(left, right), rank);
  }
  return ranks;
}

/** A word's first symbols: its characters, the last one marked as the end. */
export function initialSymbols(characters: readonly string[]): string[] {
  const last = characters.at(-1);
  return last === undefined ? [] : [...characters.slice(0, -1), last + END_OF_WORD];
}

/**
 * Joins the pair of lowest rank wherever it occurs, from the start, until no pair has a rank (Sennrich et al. 2016). Takes
 * n log n steps for n characters: only pairs beside a join are looked up again.
 */
export function encodeWord(characters: readonly string[], ranks: MergeRanks): string[] {
  const symbols: (string | undefined)[] = initialSymbols(characters);
  const count = symbols.length;
  const before = Int32Array.from({ length: count }, (_, i) => i - 1);
  const after = Int32Array.from({ length: count }, (_, i) => i + 1);
  const rankAt = (place: number): number | undefined => {
    const [left, right] = [symbols[place], symbols[after[place] ?? count]];
    return left === undefined || right === undefined ? undefined : ranks.get(pairKey(left, right));
  };

  /** Where pairs of a rank begin; some may have gone since. */
  const placesOf = new Map<number, number[]>();
  const waiting = createMinimumHeap();
  const note = (place: number): void => {
    const rank = place < 0 ? undefined : rankAt(place);
    if (rank === undefined) return;
    const places = placesOf.get(rank);
    if (places === undefined) {
      placesOf.set(rank, [place]);
      waiting.push(rank);
    } else places.push(place);
  };
  for (let place = 0; place + 1 < count; place++) note(place);

  for (let rank = waiting.pop(); rank !== undefined; rank = waiting.pop()) {
    const places = (placesOf.get(rank) ?? []).sort((a, b) => a - b);
    placesOf.delete(rank);
    const changed: number[] = [];
    for (const place of places) {
      // Joined with what stood before it, or with something else.
      if (rankAt(place) !== rank) continue;
      const joined = after[place] as number;
      symbols[place] = (symbols[place] as string) + (symbols[joined] as string);
      symbols[joined] = undefined;
      const following = after[joined] as number;
      after[place] = following;
      if (following < count) before[following] = place;
      changed.push(place);
    }
    // Afterwards: what is new waits for its turn, also when it has the same rank.
    for (const place of changed) {
      note(before[place] as number);
      note(place);
    }
  }
  return symbols.filter((symbol) => symbol !== undefined);
}

/** Joins `left` and `right` wherever they follow each other, from the start. */
export function mergePair(symbols: readonly string[], left: string, right: string): string[] {
  const merged: string[] = [];
  for (let i = 0; i < symbols.length; i++) {
    const symbol = symbols[i] ?? '';
    if (symbol === left && symbols[i + 1] === right) {
      merged.push(left + right);
      i += 1;
    } else {
      merged.push(symbol);
    }
  }
  return merged;
}
