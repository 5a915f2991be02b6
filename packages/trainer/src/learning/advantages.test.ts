import { createAdvantageEstimator } from './advantages';

const NONE = Number.NaN;

test('advantages are clamped, and an image without a reward is left out whatever the method says', () => {
  const { estimate, state } = createAdvantageEstimator(
    { withinPrompts: true, advantages: ({ rewards }) => rewards.map((row) => row.map(() => 7)) },
    5,
  );
  expect(estimate(['a'], [[0, NONE]])).toEqual([[5, NONE]]);
  expect(state()).toBeNull();
});

test('a method is told which rewards there are', () => {
  const given: unknown[] = [];
  const { estimate } = createAdvantageEstimator(
    {
      withinPrompts: false,
      advantages: (rewards) => {
        given.push(rewards);
        return [[1, 2]];
      },
    },
    Infinity,
  );
  estimate(['a'], [[0.5, NONE]]);
  expect(given).toEqual([{ prompts: ['a'], rewards: [[0.5, NONE]], mask: [[true, false]] }]);
});

test('what is remembered is kept and put back', () => {
  let count = 0;
  const { estimate, state, restore } = createAdvantageEstimator(
    {
      withinPrompts: true,
      advantages: {
        estimate: ({ rewards }) => rewards.map((row) => row.map(() => (count += 1))),
        state: () => count,
        restore: (value) => {
          count = value as number;
        },
      },
    },
    Infinity,
  );
  estimate(['a'], [[1, 1]]);
  const kept = state();
  estimate(['a'], [[1, 1]]);
  restore(kept);
  expect(estimate(['a'], [[1, 1]])).toEqual([[3, 4]]);
});

test('advantages of another shape than the rewards are an error', () => {
  const { estimate } = createAdvantageEstimator(
    { withinPrompts: true, advantages: () => [[1]] },
    Infinity,
  );
  expect(() => estimate(['a'], [[1, 2]])).toThrow(
    'numbers in the shape of the rewards, 1 rows of 2',
  );
});

test('infinite ones are an error, and those of images that are not learnt from are none', () => {
  const estimating = (...row: number[]) =>
    createAdvantageEstimator({ withinPrompts: true, advantages: () => [row] }, Infinity);
  expect(() => estimating(1, -Infinity).estimate(['a'], [[1, 2]])).toThrow('not -Infinity');
  expect(estimating(1, NONE).estimate(['a'], [[1, 2]])).toEqual([[1, NONE]]);
});
