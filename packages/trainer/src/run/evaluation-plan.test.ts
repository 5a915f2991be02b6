import { red, termOf } from '../testing/example-rewards';
import { imagesOfAPrompt, planEvaluation } from './evaluation-plan';

const prompts = ['a', 'b', 'a', 'd', 'e'].map((text) => ({ text }));
const crowd = termOf({ ...red, scope: 'group' }, { weight: 0 });
const plan = (count: number, ...rewards: Parameters<typeof planEvaluation>[2]) => {
  const planned = planEvaluation(prompts, count, rewards);
  return [planned.prompts.map(({ text }) => text).join(''), planned.groups];
};

test('is an image a prompt, each by itself, also where two prompts read the same', () => {
  expect(plan(3, termOf(red))).toEqual(['aba', [0, 1, 2]]);
});

test('is two side by side where a reward, trained on or watched, compares them', () => {
  expect(imagesOfAPrompt([termOf(red), crowd])).toBe(2);
  expect(plan(4, termOf(red), crowd)).toEqual(['aabb', [0, 0, 1, 1]]);
  // The last has nothing to be compared with, which is the reward's to say.
  expect(plan(5, crowd)).toEqual(['aabba', [0, 0, 1, 1, 2]]);
});

test('draws nothing where nothing is asked for', () => {
  expect(plan(0, crowd)).toEqual(['', []]);
});
