import { drawGaussian, withProducts } from '../testing/gaussian-policy';
import type { Estimate } from './bootstrap';
import {
  directionCount,
  gradientVariances,
  meanDirections,
  type MeasuredScores,
} from './gradient-variance';

const K = [2, 4];
const PROMPTS = 100;
const IMAGES = 12;

/** Rewards 3 + x and 3 + 3 x take turns, so that gradients are 1 and 3. */
function measure(): MeasuredScores {
  const prompts = Array.from({ length: PROMPTS }, (_, prompt) =>
    withProducts(drawGaussian(IMAGES, (x) => 3 + (prompt % 2 === 0 ? 1 : 3) * x, prompt)),
  );
  const directions = prompts.map(({ rewards, scores }, prompt) =>
    meanDirections(rewards, { k: K, seed: 0 }, prompt).map((weights) =>
      weights.reduce((sum, weight, image) => sum + weight * scores[image]!, 0),
    ),
  );
  expect(directions[0]).toHaveLength(directionCount(K));
  const products = directions[0]!.map((_, direction) => {
    const vectors = directions.map((of) => of[direction]!);
    return Float64Array.from(vectors.flatMap((one) => vectors.map((other) => one * other)));
  });
  return { prompts, products };
}

const measured = measure();
const found = gradientVariances(measured, { k: K, seed: 0 });
const rowOf = (name: string, k: number | null) =>
  found.estimators.find((row) => row.estimator === name && row.k === k)!;
const holds = ({ low, high }: Estimate, value: number) => low <= value && value <= high;

test('there is a row for every estimator, and for every k of those that compare', () => {
  expect(found.estimators.map(({ estimator, k }) => [estimator, k])).toEqual([
    ['REINFORCE', null],
    ['batch mean', null],
    ...['leave-one-out', 'per-prompt mean', 'group deviation'].flatMap((name) =>
      K.map((k) => [name, k]),
    ),
  ]);
});

test('intervals hold what is known', () => {
  // Means of 1² and 3² times what theory.test.ts has for a slope of 1, and of (3 + slope)² E‖s‖².
  expect(holds(rowOf('REINFORCE', null).variance, 114)).toBe(true);
  expect(rowOf('REINFORCE', null).relative).toEqual({ value: 1, low: 1, high: 1 });
  for (const k of K) {
    const { variance, relative, toTheory } = rowOf('leave-one-out', k);
    expect(holds(variance, (10 * k) / (k - 1))).toBe(true);
    expect(holds(relative, (10 * k) / (k - 1) / 114)).toBe(true);
    expect(holds(toTheory!, 1)).toBe(true);
  }
  expect(holds(rowOf('batch mean', null).toTheory!, 1)).toBe(true);
  expect(holds(found.gradient, 4)).toBe(true);
  expect(holds(found.betweenPrompts, 1)).toBe(true);
  expect(holds(found.score, 4)).toBe(true);
  expect(holds(found.meanScore, 0)).toBe(true);
  // No interval is so wide that it holds anything.
  const { low, high } = rowOf('leave-one-out', 4).relative;
  expect(high / low).toBeLessThan(2);
});

test('the per-prompt mean is leave-one-out, shorter', () => {
  for (const k of K) {
    const [mean, leaveOneOut] = [rowOf('per-prompt mean', k), rowOf('leave-one-out', k)];
    const factor = ((k - 1) / k) ** 2;
    expect(mean.variance.value / leaveOneOut.variance.value).toBeCloseTo(factor, 10);
    expect(mean.atEqualLength!.value).toBeCloseTo(leaveOneOut.relative.value, 10);
    expect(mean.toTheory!.value).toBeCloseTo(leaveOneOut.toTheory!.value, 10);
  }
});

test('the group deviation is another vector, without a theory', () => {
  const row = rowOf('group deviation', 4);
  expect(row).toMatchObject({ theory: null, toTheory: null, fromRewards: null, withPrompts: null });
  // It weighs the prompts alike, so that it is less noisy here for its length than leave-one-out.
  expect(row.atEqualLength!.value).toBeLessThan(rowOf('leave-one-out', 4).atEqualLength!.value);
});

test('what the rewards alone tell is the part of their square that is variance', () => {
  const { mean, variance, betweenPrompts } = found.reward;
  // σ² = ¼ slope²; mean rewards are 4 and 6.
  expect(Math.abs(variance - 1.25)).toBeLessThan(0.2);
  expect(Math.abs(mean - 5)).toBeLessThan(0.1);
  expect(Math.abs(betweenPrompts - 1)).toBeLessThan(0.15);
  const square = variance + mean ** 2 + betweenPrompts;
  for (const k of K) {
    const expected = (variance / square) * (k / (k - 1));
    expect(rowOf('leave-one-out', k).fromRewards! / expected).toBeCloseTo(1, 1);
  }
});

test('the same numbers and seed give the same figures', () => {
  expect(gradientVariances(measured, { k: K, seed: 0 })).toEqual(found);
  expect(gradientVariances(measured, { k: K, seed: 1 })).not.toEqual(found);
});
