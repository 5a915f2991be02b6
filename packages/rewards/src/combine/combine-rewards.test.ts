import fc from 'fast-check';

import { rewardFailure, type RewardResult } from '../reward';
import {
  createCombination,
  RequiredRewardError,
  type CombinationState,
  type RewardTerm,
} from './combine-rewards';

const NONE = Number.NaN;
const results = (values: readonly number[]): RewardResult[] =>
  values.map((value) =>
    Number.isNaN(value) ? rewardFailure('refused', 'no answer', true) : { ok: true, value },
  );
const term = (name: string, rest: Partial<RewardTerm> = {}): RewardTerm => ({
  name,
  weight: 1,
  ...rest,
});
const combine = (terms: RewardTerm[], values: number[][], groups: (number | string)[]) =>
  createCombination(terms).combine(values.map(results), groups);

test('adds by weight, and keeps what each reward said', () => {
  const { total, terms } = combine(
    [term('a'), term('b', { weight: -0.5 })],
    [
      [1, 2],
      [4, 8],
    ],
    [0, 0],
  );
  expect(total).toEqual([-1, -2]);
  expect(terms).toEqual([
    { name: 'a', values: [1, 2], failed: 0, failure: undefined },
    { name: 'b', values: [4, 8], failed: 0, failure: undefined },
  ]);
});

describe('a failure', () => {
  const groups = ['cat', 'cat', 'dog', 'dog'];
  const sound = [1, 2, 3, 4];
  const broken = [10, NONE, 30, 40];

  test('masks its image, which is not a score of 0', () => {
    expect(combine([term('a'), term('b')], [sound, broken], groups).total).toEqual([
      11,
      NONE,
      33,
      44,
    ]);
  });

  test('of an optional reward leaves the term out for the whole group', () => {
    const terms = [term('a'), term('b', { policy: 'optional' })];
    expect(combine(terms, [sound, broken], groups).total).toEqual([1, 2, 33, 44]);
  });

  test('of a required reward ends it in one sentence, and nothing is remembered of the batch', () => {
    const combination = createCombination([
      term('a', { scale: 'running-z-score' }),
      term('b', { policy: 'required' }),
    ]);
    expect(() => combination.combine([results(sound), results(broken)], groups)).toThrow(
      new RequiredRewardError('A required reward failed on 1 of 4 images; b: no answer'),
    );
    expect(combination.toJSON()).toEqual([{ count: 0, mean: 0, squares: 0 }, null]);
  });

  test('of a reward that is only watched changes nothing', () => {
    const watched = term('b', { weight: 0, policy: 'required' });
    const { total, terms } = combine([term('a'), watched], [sound, broken], groups);
    expect(total).toEqual(sound);
    expect(terms[1]).toMatchObject({ failed: 1, values: broken, failure: 'b: no answer' });
  });

  test('never becomes a number, whatever the scale', () => {
    const scales = ['none', 'running-z-score', 'group-z-score', { factor: 2, offset: 1 }] as const;
    for (const scale of scales) {
      const { total } = combine([term('b', { scale })], [broken], groups);
      expect(total.map(Number.isNaN)).toEqual([false, true, false, false]);
    }
  });
});

describe('scales', () => {
  test('affine is factor · value + offset', () => {
    const scale = { factor: 1 / 26, offset: -0.5 };
    expect(combine([term('a', { scale })], [[26, 13]], [0, 0]).total).toEqual([0.5, 0]);
  });

  test('group z-scores have mean 0 and the spread that GRPO gives them', () => {
    // Of 1, 2, 3 the sample standard deviation is 1; of one value there is none.
    const { total } = combine(
      [term('a', { scale: 'group-z-score' })],
      [[1, 2, 3, 7, NONE, 9, 9]],
      ['x', 'x', 'x', 'y', 'y', 'z', 'z'],
    );
    expect(total).toEqual([-1 / 1.0001, 0, 1 / 1.0001, 0, NONE, 0, 0]);
  });

  test('running z-scores are those of all values so far, to float64 rounding', () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(fc.double({ min: -1e3, max: 1e3, noNaN: true }), { minLength: 1 }), {
          minLength: 1,
          maxLength: 5,
        }),
        (batches) => {
          const combination = createCombination([term('a', { scale: 'running-z-score' })]);
          const seen: number[] = [];
          for (const batch of batches) {
            seen.push(...batch);
            const centre = seen.reduce((sum, value) => sum + value, 0) / seen.length;
            const variance =
              seen.reduce((sum, value) => sum + (value - centre) ** 2, 0) / seen.length;
            const { total } = combination.combine(
              [results(batch)],
              batch.map(() => 0),
            );
            for (const [index, value] of batch.entries()) {
              const expected = (value - centre) / (Math.sqrt(variance) + 1e-6);
              // Values of up to 1e3 over a spread of at least 1e-6: 1e3 · 2⁻⁵² · counts / 1e-6.
              expect(Math.abs(total[index]! - expected)).toBeLessThan(
                1e-6 * (1 + Math.abs(expected)),
              );
            }
          }
        },
      ),
      { seed: 7 },
    );
  });

  test('go on from their saved state as if nothing had happened', () => {
    const terms = [term('a', { scale: 'running-z-score' }), term('b')];
    const whole = createCombination(terms);
    const batch = [results([1, 5, 2]), results([0, 1, 0])];
    whole.combine(batch, [0, 0, 0]);
    const state = JSON.parse(JSON.stringify(whole)) as CombinationState;
    const next = [results([4, NONE, 3]), results([1, 1, 1])];
    const resumed = createCombination(terms);
    resumed.restore(state);
    expect(resumed.combine(next, [0, 0, 0])).toEqual(whole.combine(next, [0, 0, 0]));
  });
});

test('mistakes of the program are errors', () => {
  expect(() => createCombination([term('a', { weight: NONE })])).toThrow(
    'Weight and scale of reward "a" must be finite numbers.',
  );
  expect(() => createCombination([term('a')]).restore([null, null])).toThrow(
    'The state is of 2 rewards, and there are 1',
  );
  expect(() =>
    createCombination([term('a', { scale: 'running-z-score' })]).restore([
      { count: -1, mean: 0, squares: 0 },
    ]),
  ).toThrow(/must be a count, a mean and a sum of squares/);
  expect(() => combine([term('a'), term('b')], [[1], [1, 2]], [0])).toThrow(
    'Expected 1 results of each of 2 rewards, got [1, 2].',
  );
});
