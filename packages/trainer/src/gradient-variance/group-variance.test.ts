import { groupVariance, meanWeights } from './group-variance';

/** Four images with scores (1, 0), (0, 1), (1, 1) and (2, 0). */
const SCORES = [
  [1, 0],
  [0, 1],
  [1, 1],
  [2, 0],
] as const;
const IMAGES = {
  rewards: [1, 3, 2, 8],
  gram: Float64Array.from(SCORES.flatMap(([a, b]) => SCORES.map(([c, d]) => a * c + b * d))),
};
const asTheyAre = (rewards: readonly number[]) => rewards;
const centred = (rewards: readonly number[]) => {
  const mean = rewards.reduce((sum, reward) => sum + reward, 0) / rewards.length;
  return rewards.map((reward) => reward - mean);
};

test('is the sample variance of the groups’ gradients', () => {
  // Images 0 and 1 give (0.5, 1.5), images 2 and 3 give (9, 1): half the square of their difference.
  expect(groupVariance(IMAGES, 2, asTheyAre, [[0, 1, 2, 3]])).toBeCloseTo(
    (8.5 ** 2 + 0.5 ** 2) / 2,
    12,
  );
  // Images 3 and 0 give (7.5, 0) · …, in whatever order they come.
  const orders = [
    [3, 0, 1, 2],
    [2, 1, 0, 3],
  ];
  expect(groupVariance(IMAGES, 2, centred, orders.slice(0, 1))).toBeCloseTo(
    groupVariance(IMAGES, 2, centred, orders.slice(1)),
    12,
  );
});

test('is a mean over orders, of which what is left over takes no part', () => {
  const [first, second] = [
    [0, 1, 2],
    [1, 3, 0],
  ];
  const [one, other] = [first, second].map((order) => groupVariance(IMAGES, 1, asTheyAre, [order]));
  expect(groupVariance(IMAGES, 1, asTheyAre, [first, second])).toBeCloseTo((one! + other!) / 2, 12);
  const three = { rewards: IMAGES.rewards.concat(1e9), gram: padded() };
  expect(groupVariance(three, 2, asTheyAre, [[0, 1, 2, 3, 4]])).toBeCloseTo(
    groupVariance(IMAGES, 2, asTheyAre, [[0, 1, 2, 3]]),
    12,
  );
});

/** With a fifth image whose scores are large. */
function padded(): Float64Array {
  return Float64Array.from(
    Array.from({ length: 25 }, (_, place) => {
      const [row, column] = [Math.floor(place / 5), place % 5];
      return row === 4 || column === 4 ? 1e6 : IMAGES.gram[row * 4 + column]!;
    }),
  );
}

test('the mean gradient is that of the groups', () => {
  const weights = meanWeights([1, 3, 2, 8], 2, centred, [
    [0, 1, 2, 3],
    [0, 2, 1, 3],
  ]);
  // Halves of −1, 1, −3, 3 and of −0.5, −2.5, 0.5, 2.5, over four groups.
  expect(weights).toEqual([-1.5 / 8, -1.5 / 8, -2.5 / 8, 5.5 / 8]);
});
