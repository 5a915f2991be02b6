import { countedObjects } from './counted-objects';
import prompts from './fixtures/prompts.json';
import { objectNouns } from './object-nouns';

const nouns = objectNouns({
  version: '1',
  labels: new Set(['unicorn']),
  detect: () => Promise.resolve([]),
});
const count = (prompt: string) => countedObjects(prompt, nouns);

it.each([
  ['three dogs and two cats', { dog: 3, cat: 2 }],
  ['one pig', { pig: 1 }],
  ['Eight peaches', { peach: 8 }],
  ['six people gathered for a picnic', { person: 6 }],
  [
    'two sheep, four dogs, three candles, and three bees created a warm atmosphere',
    { sheep: 2, dog: 4, candle: 3, bee: 3 },
  ],
  [
    'a microwave, a cup, three ships, and two fish were in the pantry',
    { microwave: 1, cup: 1, ship: 3, fish: 2 },
  ],
  ['five knives and four mice', { knife: 5, mouse: 4 }],
  ['two teddy bears and one bear', { 'teddy bear': 2, bear: 1 }],
  [
    'two buses, three strawberries, four tomatoes, one egg',
    { bus: 2, strawberry: 3, tomato: 4, egg: 1 },
  ],
  ['two unicorns', { unicorn: 2 }],
  ['an empty street', {}],
  ['dogs and cats', {}],
])('counts %j', (prompt, expected) => {
  const counted = count(prompt);
  expect(counted).toEqual(
    Object.entries(expected).map(([noun, number]) => ({ noun, count: number })),
  );
});

it.each([
  ['two gizmos', 'two gizmos'],
  ['one gizmo and two cats', 'one gizmo'],
  ['two cat', 'two cat'],
  ['one cats', 'one cats'],
  ['three', 'three'],
])('does not guess what is counted in %j', (prompt, unknown) => {
  expect(count(prompt)).toEqual({ unknown });
});

it.each(prompts.numeracy)("reads the benchmark's %j", (prompt) => {
  // Every number word of these twenty counts something.
  const words = prompt.match(/\b(an?|one|two|three|four|five|six|seven|eight)\b/g);
  expect(count(prompt)).toHaveLength(words!.length);
});
