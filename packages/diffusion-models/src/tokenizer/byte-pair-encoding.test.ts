import fc from 'fast-check';
import { encodeWord, initialSymbols, mergePair, pairKey } from './byte-pair-encoding';

/** As the algorithm is defined: the pair of lowest rank is joined everywhere, and the word is looked at anew. */
function encodeByDefinition(characters: readonly string[], ranks: ReadonlyMap<string, number>) {
  let symbols = initialSymbols(characters);
  for (;;) {
    const pairs = symbols.slice(1).map((right, i) => [symbols[i]!, right] as const);
    const rankOf = ([left, right]: readonly [string, string]) =>
      ranks.get(pairKey(left, right)) ?? Infinity;
    const [best] = pairs.sort((a, b) => rankOf(a) - rankOf(b));
    if (best === undefined || rankOf(best) === Infinity) return symbols;
    symbols = mergePair(symbols, ...best);
  }
}

test('joins as the definition says, whatever the merges', () => {
  const symbol = fc.constantFrom('a', 'b', 'aa', 'ab', 'ba', 'aab', 'a</w>', 'b</w>', 'ab</w>');
  const merges = fc.uniqueArray(fc.tuple(symbol, symbol), { selector: ([a, b]) => pairKey(a, b) });
  const word = fc.array(fc.constantFrom('a', 'b'), { maxLength: 24 });
  fc.assert(
    fc.property(merges, word, (pairs, characters) => {
      const ranks = new Map(pairs.map(([left, right], rank) => [pairKey(left, right), rank]));
      expect(encodeWord(characters, ranks)).toEqual(encodeByDefinition(characters, ranks));
    }),
    { numRuns: 500, seed: 1 },
  );
});

test('a word of 200,000 characters', () => {
  // By the definition it takes 10^10 steps.
  const ranks = new Map([
    [pairKey('a', 'b'), 0],
    [pairKey('ab', 'ab'), 1],
    [pairKey('ab', 'ab</w>'), 2],
  ]);
  const characters = Array.from({ length: 200_000 }, (_, i) => (i % 2 === 0 ? 'a' : 'b'));
  const symbols = encodeWord(characters, new Map([...ranks, [pairKey('a', 'b</w>'), 3]]));
  expect(symbols.length).toBe(50_000);
  expect(symbols.join('')).toBe(`${characters.join('')}</w>`);
});
