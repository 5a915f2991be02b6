import { nounPhrases } from './noun-phrases';

it.each([
  // T2I-CompBench's templates, with the phrases that spaCy's noun_chunks gives.
  ['a green bench and a red car', ['a green bench', 'a red car']],
  ['a blue backpack and a red bench', ['a blue backpack', 'a red bench']],
  ['a red orange and a brown sheep', ['a red orange', 'a brown sheep']],
  ['a red apple and yellow bananas', ['a red apple', 'yellow bananas']],
  ['a cubic dice and a cylindrical can of soup', ['a cubic dice', 'a cylindrical can', 'soup']],
  [
    'a triangular slice of pizza and a square box.',
    ['a triangular slice', 'pizza', 'a square box'],
  ],
  ['a tall oak tree and a short sapling', ['a tall oak tree', 'a short sapling']],
  [
    "a cubic Rubik's cube and a pentagonal game box",
    ["a cubic Rubik's cube", 'a pentagonal game box'],
  ],
  ['rubber sole shoes and fluffy clouds', ['rubber sole shoes', 'fluffy clouds']],
  ['a giraffe next to a lamp', ['a giraffe', 'a lamp']],
  ['a girl on the top of a frog', ['a girl', 'the top', 'a frog']],
  ['a bee on the right of a refrigerator', ['a bee', 'the right', 'a refrigerator']],
  // Its sentences.
  ['The fluffy cat is sitting on the soft pillow', ['The fluffy cat', 'the soft pillow']],
  ['The red hat was on top of the brown coat rack.', ['The red hat', 'top', 'the brown coat rack']],
  [
    'The green plant is on the left of the white wall.',
    ['The green plant', 'the left', 'the white wall'],
  ],
  [
    'The metallic whisk and wooden bowl mix the fluffy batter for the cake on the plastic counter.',
    ['The metallic whisk', 'wooden bowl', 'the fluffy batter', 'the cake', 'the plastic counter'],
  ],
  [
    'The leather belt and fluffy scarf hang on the metallic hook by the glass mirror.',
    ['The leather belt', 'fluffy scarf', 'the metallic hook', 'the glass mirror'],
  ],
  ['A black and white cat sits in a white sink.', ['A black and white cat', 'a white sink']],
  [
    'A man in a gray jacket standing in a kitchen next to a black dog.',
    ['A man', 'a gray jacket', 'a kitchen', 'a black dog'],
  ],
  [
    'A person is looking at a rainbow and marveling at its beauty.',
    ['A person', 'a rainbow', 'its beauty'],
  ],
])('finds the things of %j', (prompt, expected) => {
  expect(nounPhrases(prompt)).toEqual(expected);
});

/** T2I-CompBench's templates for colours, shapes, textures and places, 180 prompts each. */
it('finds the things of 720 prompts by template', () => {
  const words = (text: string) => text.split(' ');
  const nouns = words(
    'bench car apple banana backpack cup vase dog cat clock bowl chair book bear suitcase train boat horse sheep cow bird kite cake pizza orange rabbit frog lamp refrigerator giraffe turtle mirror pillow scarf belt whisk balloon desk',
  );
  const attributes = [
    words('red green blue yellow black white brown gray pink purple orange gold silver beige'),
    words(
      'cubic round square triangular oval cylindrical spherical rectangular pentagonal diamond',
    ),
    words('wooden metallic fluffy leather plastic fabric rubber glass'),
  ];
  const relations = ['on the left of', 'on the right of', 'on the bottom of', 'next to', 'near'];
  const withArticle = (thing: string) => `${/^[aeiou]/.test(thing) ? 'an' : 'a'} ${thing}`;
  let drawn = 7;
  const pick = (list: readonly string[]) => {
    drawn = (Math.imul(drawn, 1_664_525) + 1_013_904_223) >>> 0;
    return list[drawn % list.length]!;
  };
  for (let round = 0; round < 180; round++) {
    for (const kind of attributes) {
      const [one, other] = [1, 2].map(() => withArticle(`${pick(kind)} ${pick(nouns)}`));
      expect(nounPhrases(`${one!} and ${other!}`)).toEqual([one, other]);
    }
    const relation = pick(relations);
    const [one, other] = [1, 2].map(() => withArticle(pick(nouns)));
    const place = /the \w+/.exec(relation) ?? [];
    expect(nounPhrases(`${one!} ${relation} ${other!}`)).toEqual([one, ...place, other]);
  }
});

it.each(['', '   ', '...', 'on top', 'and', 'the'])(
  'finds no thing in %j but a place',
  (prompt) => {
    expect(nounPhrases(prompt).filter((phrase) => phrase !== 'top')).toEqual([]);
  },
);

it('takes any text, in linear time', () => {
  expect(nounPhrases('a red car and '.repeat(20_000))).toHaveLength(20_000);
  expect(nounPhrases('\u{1F436} \0 "quoted" (a "red" car)')).toEqual(['quoted', 'a red car']);
});
