import { drawGaussian, withProducts } from '../testing/gaussian-policy';
import { rewardMoments, scoreMoments, squareOfMeanScore, type ScoreMoments } from './score-moments';

const NAMES = [
  ...(['score', 'rewardScore', 'squaredRewardScore'] as const),
  ...(['centredScore', 'varianceScore', 'gradient'] as const),
];

test.each([4, 7])('estimates from %d images are right on average', (images) => {
  const prompts = 20_000;
  const estimates = Array.from({ length: prompts }, (_, prompt) =>
    scoreMoments(withProducts(drawGaussian(images, (x) => x ** 2, prompt))),
  );
  // As in theory.test.ts.
  const expected: ScoreMoments = {
    ...{ score: 4, rewardScore: 7, squaredRewardScore: 25.75 },
    ...{ centredScore: 14.5, varianceScore: 4.5, gradient: 4 },
  };
  for (const name of NAMES) {
    const values = estimates.map((moments) => moments[name]);
    const mean = values.reduce((sum, value) => sum + value, 0) / prompts;
    const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / prompts;
    expect(Math.abs(mean - expected[name])).toBeLessThan(4 * Math.sqrt(variance / prompts));
  }
});

test('a constant added to all rewards changes nothing that is centred', () => {
  const [plain, shifted] = [0, 100].map((constant) =>
    scoreMoments(withProducts(drawGaussian(6, (x) => x ** 2 + constant))),
  );
  for (const name of ['score', 'centredScore', 'varianceScore', 'gradient'] as const) {
    expect(shifted![name]).toBeCloseTo(plain![name], 8);
  }
});

test('the square of the mean score has nothing of a single image in it', () => {
  // Scores 1, 2 and 3: the mean of 2, 3 and 6.
  const gram = Float64Array.of(1, 2, 3, 2, 4, 6, 3, 6, 9);
  expect(squareOfMeanScore({ rewards: [0, 0, 0], gram })).toBeCloseTo(11 / 3, 12);
});

test('of rewards alone a score counts as 1', () => {
  expect(rewardMoments([1, 2, 6])).toEqual({
    ...{ score: 1, rewardScore: 3, squaredRewardScore: 41 / 3 },
    ...{ centredScore: 7, varianceScore: 7, gradient: 0 },
  });
});
