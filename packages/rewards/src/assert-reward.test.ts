import { assertReward, rewardProblem } from './assert-reward';
import type { Reward } from './reward';

const sound: Reward = {
  name: 'mine',
  version: '1',
  range: [0, 1],
  batchSize: 8,
  score: async ({ images }) => images.map(() => ({ ok: true, value: 1 })),
};

test('takes a reward, also one whose range is open or a single value', () => {
  expect(rewardProblem(sound)).toBeUndefined();
  expect(rewardProblem({ ...sound, range: [-Infinity, Infinity] })).toBeUndefined();
  expect(rewardProblem({ ...sound, range: [1, 1], concurrency: 4, scope: 'group' })).toBe(
    undefined,
  );
});

test.each<[string, object, string]>([
  ['an open end as JSON has it', { range: [null, null] }, 'range [null, null]; expected [least'],
  ['a range the wrong way round', { range: [1, 0] }, 'range [1, 0]'],
  ['an empty range', { range: [] }, 'range []'],
  ['texts as range', { range: ['0', '1'] }, 'range [0, 1]; expected [least, most], two numbers'],
  ['NaN as range', { range: [NaN, 1] }, 'range [NaN, 1]'],
  ['no range', { range: undefined }, 'range nothing'],
  ['no name', { name: '' }, 'name the text ""; expected a text'],
  ['no version', { version: undefined }, 'version nothing; expected a text'],
  ['a batch of none', { batchSize: 0 }, 'batch size 0; expected a whole number of at least 1'],
  ['half a call', { concurrency: 0.5 }, 'concurrency 0.5'],
  ['another scope', { scope: 'batch' }, 'scope the text "batch"; expected image or group'],
  ['nothing that scores', { score: 1 }, 'score 1; expected a function of { images, prompts }'],
])('refuses %s', (_, change, message) => {
  const broken: Reward = { ...sound, ...change };
  expect(() => assertReward(broken)).toThrow(RangeError);
  expect(() => assertReward(broken)).toThrow(message);
});

test('refuses what is no object', () => {
  expect(() => assertReward(undefined as unknown as Reward)).toThrow(
    'Reward "" is nothing; expected an object with name, version, range, batchSize and score.',
  );
});
