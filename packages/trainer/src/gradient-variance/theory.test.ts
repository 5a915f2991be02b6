import { GAUSSIAN, drawGaussian } from '../testing/gaussian-policy';
import { ESTIMATORS } from './estimators';
import type { ScoreMoments } from './score-moments';
import { baselineVariance, leaveOneOutVariance, uStatisticVariance } from './theory';

/**
 * With x = μ + σ z, μ = 1, σ = ½ and s = z / σ, by the moments of z (E z² = 1, E z⁴ = 3, E z⁶ = 15), worked out by hand.
 */
const CASES: readonly {
  readonly name: string;
  readonly reward: (x: number) => number;
  readonly gradient: number;
  readonly moments: ScoreMoments;
  readonly reinforce: number;
  /** By k. */
  readonly leaveOneOut: Readonly<Record<number, number>>;
}[] = [
  {
    // It is twice the sample variance of z, whose variance is 2 / (k − 1).
    name: 'linear',
    reward: (x) => 3 + 2 * x,
    gradient: 2,
    moments: {
      ...{ score: 4, rewardScore: 20, squaredRewardScore: 112 },
      ...{ centredScore: 12, varianceScore: 4, gradient: 4 },
    },
    reinforce: 108,
    leaveOneOut: { 2: 8, 3: 4, 4: 8 / 3, 8: 8 / 7 },
  },
  {
    name: 'quadratic',
    reward: (x) => x ** 2,
    gradient: 2,
    moments: {
      ...{ score: 4, rewardScore: 7, squaredRewardScore: 25.75 },
      ...{ centredScore: 14.5, varianceScore: 4.5, gradient: 4 },
    },
    reinforce: 21.75,
    leaveOneOut: { 2: 9.5, 3: 59 / 12, 4: 10 / 3, 8: 41 / 28 },
  },
];
const advantagesOf = (name: string) =>
  ESTIMATORS.find((estimator) => estimator.name === name)!.advantages;

describe.each(CASES)('of a Gaussian with a $name reward', (given) => {
  test('theory is exact', () => {
    expect(baselineVariance(given.moments, 0)).toBeCloseTo(given.reinforce, 12);
    // The least of any constant baseline: E[r ‖s‖²] / E ‖s‖².
    const best = given.moments.rewardScore / given.moments.score;
    for (const other of [best - 1, best + 1]) {
      expect(baselineVariance(given.moments, other)).toBeCloseTo(
        baselineVariance(given.moments, best) + given.moments.score,
        12,
      );
    }
    for (const [k, variance] of Object.entries(given.leaveOneOut)) {
      expect(leaveOneOutVariance(given.moments, Number(k))).toBeCloseTo(variance, 12);
    }
  });

  test.each([2, 3, 4, 8])(
    'so is a hundred thousand groups of %d, which have the gradient as mean',
    (k) => {
      const groups = 100_000;
      const { rewards, scores } = drawGaussian(groups * k, given.reward, k);
      const gradients = { reinforce: [] as number[], leaveOneOut: [] as number[] };
      for (let first = 0; first < rewards.length; first += k) {
        const group = rewards.slice(first, first + k);
        const gradient = (advantages: readonly number[]): number =>
          advantages.reduce((sum, value, image) => sum + (value * scores[first + image]!) / k, 0);
        gradients.reinforce.push(gradient(advantagesOf('REINFORCE')(group, 0)));
        gradients.leaveOneOut.push(gradient(advantagesOf('leave-one-out')(group, 0)));
      }
      const expected = {
        reinforce: given.reinforce / k,
        leaveOneOut: given.leaveOneOut[k]!,
      };
      for (const name of ['reinforce', 'leaveOneOut'] as const) {
        const mean = gradients[name].reduce((sum, value) => sum + value, 0) / groups;
        const squares = gradients[name].map((value) => (value - mean) ** 2);
        const variance = squares.reduce((sum, square) => sum + square, 0) / groups;
        const fourth = squares.reduce((sum, square) => sum + square ** 2, 0) / groups;
        // Within four standard errors, of which there are 32 here.
        expect(Math.abs(mean - given.gradient)).toBeLessThan(4 * Math.sqrt(variance / groups));
        expect(Math.abs(variance - expected[name])).toBeLessThan(
          4 * Math.sqrt((fourth - variance ** 2) / groups),
        );
      }
    },
  );
});

test('a U-statistic of two samples is its kernel, and of many twice its projection', () => {
  expect(uStatisticVariance(2, 5, 7)).toBe(7);
  expect(1e6 * uStatisticVariance(1e6, 5, 7)).toBeCloseTo(4 * 5, 4);
  // Hoeffding's own bounds: 4 ζ₁ / k below, 2 ζ₂ / k above, where 2 ζ₁ ≤ ζ₂.
  for (const k of [3, 5, 9]) {
    expect(uStatisticVariance(k, 3, 7)).toBeGreaterThan((4 * 3) / k);
    expect(uStatisticVariance(k, 3, 7)).toBeLessThan((2 * 7) / k);
  }
});

test('the policy is as it is said to be', () => {
  const { rewards, scores } = drawGaussian(10_000, (x) => x);
  const mean = rewards.reduce((sum, x) => sum + x, 0) / rewards.length;
  expect(Math.abs(mean - GAUSSIAN.mean)).toBeLessThan(0.02);
  expect(scores[0]).toBeCloseTo((rewards[0]! - GAUSSIAN.mean) / GAUSSIAN.deviation ** 2, 6);
});
