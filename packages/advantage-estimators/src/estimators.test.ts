/** What holds for the estimators without memory. */

import fc from 'fast-check';
import { aboveMinimum } from './above-minimum';
import { batchZScore } from './batch-z-score';
import { bestAndWorst } from './best-and-worst';
import { exponentialWeights } from './exponential-weights';
import { groupMean } from './group-mean';
import { advantageMask, reportGroups } from './group-report';
import { leaveOneOut } from './leave-one-out';
import { noBaseline } from './no-baseline';
import { positiveAdvantages } from './positive-advantages';
import { softmaxWeights } from './softmax-weights';

const example = [[1, 2, 4, 9]];

function expectClose(actual: readonly (readonly number[])[], expected: number[][], digits = 5) {
  expect(actual.map((row) => row.length)).toEqual(expected.map((row) => row.length));
  const values = expected.flat();
  const errors = actual.flat().map((value, index) => Math.abs(value - values[index]!));
  expect(Math.max(0, ...errors)).toBeLessThan(0.5 * 10 ** -digits);
}

/** `[prompts, k]` of rewards in ±100, with a mask of the same shape. */
const batch = (smallestK: number) =>
  fc.integer({ min: smallestK, max: 6 }).chain((k) =>
    fc.array(
      fc.array(
        fc.record({
          reward: fc.double({ min: -100, max: 100, noNaN: true }),
          valid: fc.boolean(),
        }),
        { minLength: k, maxLength: k },
      ),
      { minLength: 1, maxLength: 5 },
    ),
  );
type Batch = { reward: number; valid: boolean }[][];
const rewardsOf = (rows: Batch) => rows.map((row) => row.map(({ reward }) => reward));
const maskOf = (rows: Batch) => rows.map((row) => row.map(({ valid }) => valid));
const sum = (row: readonly number[]) => row.reduce((total, value) => total + value, 0);

describe('published values for the rewards 1, 2, 4, 9', () => {
  test('leave-one-out', () => {
    expectClose(leaveOneOut(example), [[-4, -8 / 3, 0, 20 / 3]], 12);
  });
  test('group mean', () => {
    expectClose(groupMean(example), [[-3, -2, 0, 5]], 12);
  });
  test('group mean by population std', () => {
    expectClose(groupMean(example, { std: 'population' }), [[-0.9733, -0.64886, 0, 1.62216]]);
  });
  test('group mean by unbiased std', () => {
    expectClose(groupMean(example, { std: 'unbiased' }), [[-0.84293, -0.56195, 0, 1.40488]]);
  });
  test('a spread that there is none of is refused', () => {
    const std = 'sample' as 'batch';
    expect(() => groupMean(example, { std })).toThrow(
      'std must be one of none, population, unbiased, batch, got sample.',
    );
  });
  test('no baseline', () => {
    expect(noBaseline(example)).toEqual(example);
  });
});

test('group means by the standard deviation of all valid rewards of the batch', () => {
  const rewards = [
    [1, 2, 4, 9],
    [0, 0, 1, 100],
    [6, NaN, NaN, NaN],
  ];
  const mask = rewards.map((row) => row.map((reward) => reward < 50));
  // Of 1, 2, 4, 9, 0, 0, 1 and 6: mean 23/8, mean square 139/8.
  const std = Math.sqrt(139 / 8 - (23 / 8) ** 2) + 1e-4;
  expectClose(
    groupMean(rewards, { std: 'batch' }, mask),
    [
      [-3 / std, -2 / std, 0, 5 / std],
      [-1 / 3 / std, -1 / 3 / std, 2 / 3 / std, 0],
      [0, 0, 0, 0],
    ],
    12,
  );
});

test('the batch z-score of a whole TRL epoch', () => {
  // Rewards of two batches of two, and (r − mean) / (population std + 1e-8) by hand.
  const rewards = [
    [0.3, -1],
    [2.5, 0.1],
  ];
  const std = Math.sqrt((0.175 ** 2 + 1.475 ** 2 + 2.025 ** 2 + 0.375 ** 2) / 4);
  const centred = [
    [-0.175, -1.475],
    [2.025, -0.375],
  ];
  expectClose(
    batchZScore(rewards),
    centred.map((row) => row.map((value) => value / std)),
    7,
  );
});

describe('leave-one-out', () => {
  test('is the reward minus the mean of the others', () => {
    fc.assert(
      fc.property(batch(2), (rows) => {
        const rewards = rewardsOf(rows);
        const byDefinition = rewards.map((row) =>
          row.map((reward) => reward - (sum(row) - reward) / (row.length - 1)),
        );
        expectClose(leaveOneOut(rewards), byDefinition, 9);
      }),
    );
  });

  test('sums to 0 in each row, masked or not', () => {
    fc.assert(
      fc.property(batch(2), (rows) => {
        const sums = leaveOneOut(rewardsOf(rows), maskOf(rows)).map(sum);
        expectClose([sums], [sums.map(() => 0)], 9);
      }),
    );
  });

  test('does not see a constant added to all rewards of a prompt', () => {
    fc.assert(
      fc.property(batch(2), fc.double({ min: -100, max: 100, noNaN: true }), (rows, shift) => {
        const rewards = rewardsOf(rows);
        const shifted = rewards.map((row, prompt) => row.map((reward) => reward + shift * prompt));
        expectClose(leaveOneOut(shifted), leaveOneOut(rewards), 9);
      }),
    );
  });

  test('of the valid samples is leave-one-out of a batch without the others', () => {
    fc.assert(
      fc.property(batch(2), (rows) => {
        const mask = maskOf(rows);
        const advantages = leaveOneOut(rewardsOf(rows), mask);
        rows.forEach((row, prompt) => {
          const kept = row.filter(({ valid }) => valid).map(({ reward }) => reward);
          const expected = kept.length < 2 ? kept.map(() => 0) : leaveOneOut([kept])[0]!;
          expectClose(
            [advantages[prompt]!.filter((_, sample) => mask[prompt]![sample])],
            [expected],
          );
        });
      }),
    );
  });

  test('of equal rewards is exactly 0', () => {
    expect(leaveOneOut([[0.1, 0.1, 0.1]])).toEqual([[0, 0, 0]]);
  });

  test('counts the valid samples only, and not whatever stands for the others', () => {
    const rewards = [
      [1, NaN, 4, 9],
      [NaN, 5, NaN, NaN],
    ];
    const mask = rewards.map((row) => row.map((reward) => !Number.isNaN(reward)));
    expectClose(leaveOneOut(rewards, mask), [
      [-5.5, 0, -1, 6.5],
      [0, 0, 0, 0],
    ]);
    expect(advantageMask(mask)).toEqual([
      [true, false, true, true],
      [false, false, false, false],
    ]);
    expect(reportGroups([...rewards, [3, 3, 3, 3]], [...mask, [true, true, true, true]])).toEqual({
      groups: 3,
      maskedGroups: 1,
      zeroSpreadGroups: 1,
      missingRewards: 4,
    });
  });
});

interface Estimator {
  readonly name: string;
  readonly estimate: (rewards: number[][], mask?: boolean[][]) => number[][];
}
const inPrompts = { temperature: 0.1, over: 'prompt' } as const;
const ofTwo = { beta: 0.5, chosen: 2 };
const withinPrompts: Estimator[] = [
  { name: 'leaveOneOut', estimate: leaveOneOut },
  { name: 'groupMean', estimate: (r, m) => groupMean(r, { std: 'unbiased' }, m) },
  { name: 'softmaxWeights', estimate: (r, m) => softmaxWeights(r, inPrompts, m) },
  { name: 'positiveAdvantages', estimate: (r, m) => positiveAdvantages(r, { chosen: 2 }, m) },
  { name: 'exponentialWeights', estimate: (r, m) => exponentialWeights(r, ofTwo, m) },
  { name: 'bestAndWorst', estimate: bestAndWorst },
  { name: 'aboveMinimum', estimate: aboveMinimum },
];

describe.each(withinPrompts)('$name', ({ estimate }) => {
  test('refuses groups of one and says what to do', () => {
    expect(() => estimate([[1], [2]])).toThrow(RangeError);
    expect(() => estimate([[1], [2]])).toThrow(/k of at least 2, got 1.*more samples per prompt/);
  });
});

describe.each<Estimator>([
  ...withinPrompts,
  { name: 'batchZScore', estimate: batchZScore },
  { name: 'groupMean by the batch', estimate: (r, m) => groupMean(r, { std: 'batch' }, m) },
  {
    name: 'softmaxWeights of the batch',
    estimate: (r, m) => softmaxWeights(r, { temperature: 0.1, over: 'batch' }, m),
  },
  { name: 'noBaseline', estimate: noBaseline },
])('$name', ({ estimate }) => {
  test('refuses what it cannot use, with the place', () => {
    expect(() => estimate([])).toThrow(/at least one prompt/);
    expect(() => estimate([[]])).toThrow(/got \[1, 0\]/);
    expect(() => estimate([[1, 2], [3]])).toThrow(
      /Row 1 of the rewards has 1 entries, row 0 has 2/,
    );
    expect(() => estimate([[1, 2]], [[true]])).toThrow(
      /Row 0 of the mask has 1 entries, expected 2/,
    );
    expect(() => estimate([[1, 2]], [])).toThrow(/1 rows and their mask 0/);
    expect(() => estimate([[1, NaN]])).toThrow(/prompt 0, sample 1 is NaN/);
    expect(() => estimate([[Infinity, 1]])).toThrow(/Infinity/);
  });

  test('gives finite advantages, 0 where masked, and keeps the rewards as they were', () => {
    fc.assert(
      fc.property(batch(2), (rows) => {
        const rewards = rewardsOf(rows);
        const mask = maskOf(rows);
        const before = structuredClone(rewards);
        const advantages = estimate(rewards, mask);
        const masked = advantages.flatMap((row, prompt) =>
          row.filter((_, sample) => !mask[prompt]![sample]!),
        );
        expect(advantages.flat().every(Number.isFinite)).toBe(true);
        expect(masked.every((advantage) => advantage === 0)).toBe(true);
        expect(rewards).toEqual(before);
      }),
    );
  });

  test('ranks the samples of a prompt as their rewards do', () => {
    fc.assert(
      fc.property(batch(2), (rows) => {
        const rewards = rewardsOf(rows);
        const inOrder = estimate(rewards).every((row, prompt) =>
          row.slice(1).every((advantage, index) => {
            const better = rewards[prompt]![index + 1]! - rewards[prompt]![index]!;
            return better < 1e-9 || advantage >= row[index]!;
          }),
        );
        expect(inOrder).toBe(true);
      }),
    );
  });
});

test('a group of equal rewards stays 0 without an epsilon', () => {
  expect(groupMean([[2, 2]], { std: 'population', epsilon: 0 })).toEqual([[0, 0]]);
  expect(() => groupMean([[2, 2]], { epsilon: -1 })).toThrow(/epsilon/);
});
