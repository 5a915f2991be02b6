import prompts from './fixtures/prompts.json';
import { parseSpatialPrompt } from './spatial-prompt';

it.each([
  ['a cat on the left of a sofa', 'cat', 'left', 'sofa'],
  ['a cat on the right of a sofa', 'cat', 'right', 'sofa'],
  ['A cat on the top of a sofa.', 'cat', 'top', 'sofa'],
  ['a cat on top of the sofa', 'cat', 'top', 'sofa'],
  ['an egg on the bottom of an airplane', 'egg', 'bottom', 'airplane'],
  ['a boy on side of a bee', 'boy', 'near', 'bee'],
  ['a giraffe next to a lamp', 'giraffe', 'near', 'lamp'],
  ['one mouse near a  teddy bear', 'mouse', 'near', 'teddy bear'],
])('reads %j', (prompt, first, relation, second) => {
  expect(parseSpatialPrompt(prompt)).toEqual({ first, relation, second });
});

it.each([
  'a cat and a dog',
  'a cat on the left of',
  'on the left of a cat',
  'a cat near a dog near a bird',
  'a very small red cat near a dog',
  'a cat near 3 dogs',
  '',
])('does not read %j', (prompt) => {
  expect(parseSpatialPrompt(prompt)).toBeUndefined();
});

it.each(prompts.spatial)("reads the benchmark's %j", (prompt) => {
  const { first, second } = parseSpatialPrompt(prompt)!;
  expect(prompt.startsWith(`a ${first} `)).toBe(true);
  expect(prompt.endsWith(` a ${second}`)).toBe(true);
});
