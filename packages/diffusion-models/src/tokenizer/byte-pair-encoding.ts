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

/** Joins the pair of lowest rank wherever it occurs, until no pair has a rank (Sennrich et al. 2016). */
export function encodeWord(characters: readonly string[], ranks: MergeRanks): string[] {
  let symbols = initialSymbols(characters);
  for (;;) {
    let best = Infinity;
    let bestIndex = -1;
    for (let i = 0; i + 1 < symbols.length; i++) {
      const rank = ranks.get(pairKey(symbols[i] ?? '', symbols[i + 1] ?? '')) ?? Infinity;
      if (rank < best) {
        best = rank;
        bestIndex = i;
      }
    }
    if (bestIndex < 0) return symbols;
    symbols = mergePair(symbols, symbols[bestIndex] ?? '', symbols[bestIndex + 1] ?? '');
  }
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
