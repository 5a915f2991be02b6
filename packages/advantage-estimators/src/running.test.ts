/** The estimators that remember. */

import fc from 'fast-check';
import { createPerPromptStatistics } from './per-prompt-statistics';
import { createRunningScale } from './running-scale';

const throughJson = <State>(value: { toJSON(): State }) =>
  JSON.parse(JSON.stringify(value)) as State;

describe('per-prompt statistics', () => {
  const standardise = (reward: number, rewards: number[]) => {
    const mean = rewards.reduce((total, value) => total + value, 0) / rewards.length;
    const variance =
      rewards.reduce((total, value) => total + (value - mean) ** 2, 0) / rewards.length;
    return (reward - mean) / (Math.sqrt(variance) + 1e-6);
  };

  test('prompts with too few rewards are measured against the batch, then against themselves', () => {
    const tracker = createPerPromptStatistics({ bufferSize: 3, minCount: 3 });
    const first = tracker.advantages(
      ['cat', 'dog'],
      [
        [1, 3],
        [5, 5.5],
      ],
    );
    expect(first[0]![0]).toBeCloseTo(standardise(1, [1, 3, 5, 5.5]), 12);
    const second = tracker.advantages(['cat'], [[8, 2]]);
    // Of 1, 3, 8, 2 the last three are kept, the new ones among them.
    expect(tracker.statistics('cat')).toMatchObject({ count: 3 });
    expect(second[0]![0]).toBeCloseTo(standardise(8, [3, 8, 2]), 12);
    expect(second[0]![1]).toBeCloseTo(standardise(2, [3, 8, 2]), 12);
    expect(tracker.statistics('fish')).toBeNull();
  });

  test('rows of one prompt share their statistics', () => {
    const tracker = createPerPromptStatistics({ bufferSize: 32, minCount: 2 });
    const [top, bottom] = tracker.advantages(['cat', 'cat'], [[1], [4]]);
    expect(top![0]).toBeCloseTo(-1, 5);
    expect(bottom![0]).toBeCloseTo(1, 5);
  });

  test('missing rewards are neither remembered nor scored', () => {
    const tracker = createPerPromptStatistics({ bufferSize: 8, minCount: 1 });
    const [row] = tracker.advantages(['cat'], [[1, NaN, 3]], [[true, false, true]]);
    expect(row![1]).toBe(0);
    expect(tracker.statistics('cat')).toEqual({ count: 2, mean: 2, std: 1 });
    expect(tracker.advantages(['dog'], [[NaN]], [[false]])).toEqual([[0]]);
    expect(tracker.statistics('dog')).toBeNull();
  });

  test('goes on from its saved state as if nothing had happened, for any prompt text', () => {
    const options = { bufferSize: 4, minCount: 2 };
    const texts = fc.constantFrom('a cat', '__proto__', 'constructor', '');
    const rewards = fc.array(fc.double({ min: -9, max: 9, noNaN: true }), {
      minLength: 2,
      maxLength: 2,
    });
    const batches = fc.array(fc.array(fc.tuple(texts, rewards), { minLength: 1, maxLength: 3 }), {
      minLength: 2,
      maxLength: 6,
    });
    fc.assert(
      fc.property(batches, (history) => {
        const whole = createPerPromptStatistics(options);
        let resumed = createPerPromptStatistics(options);
        for (const rows of history) {
          const prompts = rows.map(([prompt]) => prompt);
          const values = rows.map(([, row]) => row);
          const expected = whole.advantages(prompts, values);
          expect(resumed.advantages(prompts, values)).toEqual(expected);
          resumed = createPerPromptStatistics(options, throughJson(resumed));
        }
      }),
    );
  });

  test('refuses options and shapes that make no sense', () => {
    expect(() => createPerPromptStatistics({ bufferSize: 0, minCount: 1 })).toThrow(/bufferSize/);
    expect(() => createPerPromptStatistics({ bufferSize: 4, minCount: 1.5 })).toThrow(/minCount/);
    expect(() => createPerPromptStatistics({ bufferSize: 4, minCount: 5 })).toThrow(
      /never reached/,
    );
    const tracker = createPerPromptStatistics({ bufferSize: 4, minCount: 2 });
    expect(() => tracker.advantages(['a'], [[1], [2]])).toThrow(/1 prompts were given for 2 rows/);
  });
});

describe('a running scale', () => {
  test('divides by the root mean square of what it has seen', () => {
    const scale = createRunningScale({ decay: 0.5 });
    expect(scale.scale).toBeNull();
    const [first] = scale.normalize([[3, -3]]);
    expect(first![0]).toBeCloseTo(1, 7);
    expect(scale.scale).toBeCloseTo(3, 12);
    const [second] = scale.normalize([[1, -1]]);
    // Mean squares 9 and 1 with weights 1/4 and 1/2.
    expect(scale.scale).toBeCloseTo(Math.sqrt((9 / 4 + 1 / 2) / (3 / 4)), 12);
    expect(second![0]).toBeCloseTo(1 / Math.sqrt(11 / 3), 7);
  });

  test("makes the reward's unit disappear, keeps signs and rows that sum to 0", () => {
    const rows = fc.array(
      fc.double({ min: -5, max: 5, noNaN: true }).filter((value) => Math.abs(value) > 1e-3),
      { minLength: 1, maxLength: 4 },
    );
    fc.assert(
      fc.property(rows, fc.double({ min: 0.1, max: 100, noNaN: true }), (values, unit) => {
        const advantages = values.map((value) => [value, -value]);
        const plain = createRunningScale({ decay: 0.9 }).normalize(advantages);
        const scaled = createRunningScale({ decay: 0.9 }).normalize(
          advantages.map((row) => row.map((value) => value * unit)),
        );
        plain.forEach((row, index) => {
          expect(row[0]! + row[1]!).toBe(0);
          expect(Math.sign(row[0]!)).toBe(Math.sign(values[index]!));
          expect(scaled[index]![0]! / row[0]!).toBeCloseTo(1, 3);
        });
      }),
    );
  });

  test('leaves groups without information out of the scale, and survives batches with none', () => {
    const scale = createRunningScale({ decay: 0.9 });
    expect(scale.normalize([[0, 0]], [[false, false]])).toEqual([[0, 0]]);
    expect(scale.normalize([[0, 0]])).toEqual([[0, 0]]);
    scale.normalize([[2, -2]], [[true, true]]);
    expect(scale.scale).toBeGreaterThan(0);
  });

  test('goes on from its saved state', () => {
    const scale = createRunningScale({ decay: 0.9 });
    scale.normalize([[1, -1]]);
    const resumed = createRunningScale({ decay: 0.9 }, throughJson(scale));
    expect(resumed.normalize([[4, -4]])).toEqual(scale.normalize([[4, -4]]));
    expect(() => createRunningScale({ decay: 0.9 }, { total: -1, weight: 1 })).toThrow(/total -1/);
    expect(() => createRunningScale({ decay: 1 })).toThrow(/decay.*got 1/);
  });
});
