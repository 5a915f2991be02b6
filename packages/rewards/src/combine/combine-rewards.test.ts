import fc from 'fast-check';

import { notApplicable, rewardFailure, type RewardResult } from '../reward';
import {
  createCombination,
  RequiredRewardError,
  type CombinationState,
  type RewardTerm,
} from './combine-rewards';

const NONE = Number.NaN;
/** Stands for a reward that does not apply. */
const OUT = null;
const results = (values: readonly (number | null)[]): RewardResult[] =>
  values.map((value) => {
    if (value === null) return notApplicable('it asks for nothing');
    return Number.isNaN(value) ? rewardFailure('refused', 'no answer', true) : { ok: true, value };
  });
const term = (name: string, rest: Partial<RewardTerm> = {}): RewardTerm => ({
  name,
  weight: 1,
  ...rest,
});
const combine = (terms: RewardTerm[], values: (number | null)[][], groups: (number | string)[]) =>
  createCombination(terms).combine(values.map(results), groups);

test('adds by weight, and keeps what each reward said', () => {
  const { total, absolute, terms } = combine(
    [term('a'), term('b', { weight: -0.5 })],
    [
      [1, 2],
      [4, 8],
    ],
    [0, 0],
  );
  expect(total).toEqual([-1, -2]);
  expect(absolute).toEqual(total);
  const sound = { failed: 0, notApplicable: 0, failure: undefined, failures: [] };
  expect(terms).toEqual([
    { name: 'a', values: [1, 2], ...sound },
    { name: 'b', values: [4, 8], ...sound },
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

  test('of an optional reward leaves the term out for the whole group, whose sums then compare with no other', () => {
    const terms = [term('a'), term('b', { policy: 'optional' })];
    const { total, absolute, failed } = combine(terms, [sound, broken], groups);
    expect(total).toEqual([1, 2, 33, 44]);
    expect(absolute).toEqual([NONE, NONE, 33, 44]);
    expect(failed).toBe(0);
  });

  test('of the only reward that counts never leaves a 0, whatever its policy and scale', () => {
    const scales = ['none', 'running-z-score', 'group-z-score', { factor: 2, offset: 1 }] as const;
    for (const scale of scales) {
      const lone = term('b', { policy: 'optional', scale });
      for (const terms of [[lone], [lone, term('watched', { weight: 0 })]]) {
        const values = [broken, sound].slice(0, terms.length);
        const { total, absolute, failed, notApplicable } = combine(terms, values, groups);
        expect(total.map(Number.isNaN)).toEqual([true, true, false, false]);
        expect(absolute).toEqual(total);
        expect({ failed, notApplicable }).toEqual({ failed: 2, notApplicable: 0 });
      }
    }
  });

  test('is told by what the most frequent ones said', () => {
    const said = (message: string) => rewardFailure('exception', message);
    const few = [said('odd'), said('quota exceeded'), said('quota exceeded'), said('odd')];
    const answers = [...few, said('quota exceeded')];
    const [scores] = createCombination([term('a')]).combine([answers], [0, 0, 0, 0, 0]).terms;
    expect(scores).toMatchObject({
      failed: 5,
      failure: 'a: quota exceeded',
      failures: [
        { kind: 'exception', message: 'quota exceeded', count: 3 },
        { kind: 'exception', message: 'odd', count: 2 },
      ],
    });
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

describe('a reward that does not apply', () => {
  const groups = [0, 0, 1, 1];
  const sound = [1, 2, 3, 4];
  const elsewhere = [OUT, OUT, 30, 40];
  const policies = ['mask', 'optional', 'required'] as const;

  test.each(policies)(
    'to a group is left out of its sums, which are whole without it (%s)',
    (policy) => {
      const { terms, ...sums } = combine(
        [term('a'), term('b', { policy })],
        [sound, elsewhere],
        groups,
      );
      expect(sums).toEqual({
        total: [1, 2, 33, 44],
        absolute: [1, 2, 33, 44],
        failed: 0,
        notApplicable: 0,
      });
      expect(terms[1]).toEqual({
        name: 'b',
        values: [NONE, NONE, 30, 40],
        failed: 0,
        notApplicable: 2,
        failure: undefined,
        failures: [],
      });
    },
  );

  test.each(policies)('is no score where it is the only one (%s)', (policy) => {
    const scores = combine([term('b', { policy })], [elsewhere], groups);
    const total = [NONE, NONE, 30, 40];
    expect(scores).toMatchObject({ total, absolute: total, failed: 0, notApplicable: 2 });
  });

  test('to some images of a group leaves those out, or the term where it is optional', () => {
    const mixed = [10, OUT, 30, 40];
    const { total, failed, notApplicable } = combine(
      [term('a'), term('b')],
      [sound, mixed],
      groups,
    );
    expect(total).toEqual([11, NONE, 33, 44]);
    expect({ failed, notApplicable }).toEqual({ failed: 0, notApplicable: 1 });
    const required = [term('a'), term('b', { policy: 'required' })];
    expect(combine(required, [sound, mixed], groups).total).toEqual(total);
    const optional = combine(
      [term('a'), term('b', { policy: 'optional' })],
      [sound, mixed],
      groups,
    );
    expect(optional.total).toEqual([1, 2, 33, 44]);
    expect(optional.absolute).toEqual([NONE, NONE, 33, 44]);
  });

  test('beside one that failed counts as what it is', () => {
    const { failed, notApplicable } = combine([term('b')], [[NONE, OUT, OUT, OUT]], groups);
    expect({ failed, notApplicable }).toEqual({ failed: 1, notApplicable: 3 });
  });

  test('teaches a running scale nothing', () => {
    const terms = [term('b', { scale: 'running-z-score' })];
    const combination = createCombination(terms);
    combination.combine([results(elsewhere)], groups);
    expect(combination.toJSON()).toEqual([{ count: 2, mean: 35, squares: 50 }]);
  });
});

/** Whatever fails or does not apply: the images of a group are compared by the same terms. */
test('all sums of a group have the same terms in them', () => {
  const outcome = fc.constantFrom('score', 'failed', 'out');
  const policy = fc.constantFrom('mask', 'optional');
  fc.assert(
    fc.property(
      fc.array(fc.tuple(policy, fc.array(outcome, { minLength: 6, maxLength: 6 })), {
        minLength: 1,
        maxLength: 4,
      }),
      (drawn) => {
        // Powers of two: the sum tells which terms are in it, and each is at least 1.
        const terms = drawn.map(([one], index) =>
          term(`${index}`, { weight: 2 ** index, policy: one }),
        );
        const values = drawn.map(([, outcomes]) =>
          outcomes.map((one) => (one === 'score' ? 1 : one === 'failed' ? NONE : OUT)),
        );
        const groups = [0, 0, 0, 1, 1, 1];
        const { total, absolute } = combine(terms, values, groups);
        for (const group of [0, 1]) {
          const sums = total.filter((sum, image) => groups[image] === group && !Number.isNaN(sum));
          expect(new Set(sums).size).toBeLessThanOrEqual(1);
          expect(sums).not.toContain(0);
        }
        for (const [image, sum] of absolute.entries()) {
          if (Number.isNaN(sum)) continue;
          // Whole: all terms that apply to one of its group, each of which scored the image.
          const whole = values.reduce((bits, row, index) => {
            const applies = row.some(
              (value, other) => value !== OUT && groups[other] === groups[image],
            );
            return applies ? bits + 2 ** index : bits;
          }, 0);
          expect(sum).toBe(whole);
        }
      },
    ),
    { seed: 3 },
  );
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
  expect(() => createCombination([term('a', { scale: 'z-score' as 'none' })])).toThrow(
    'The scale of reward "a" must be one of none, running-z-score, group-z-score or',
  );
  expect(() => createCombination([term('a', { policy: 'maks' as 'mask' })])).toThrow(
    'The policy of reward "a" must be one of mask, optional, required, got maks.',
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
