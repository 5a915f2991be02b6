import { percentileInterval, resamples } from './resamples';
import { everything, meanOf, type Scores } from './scores';

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

test('a resample has as many seeds, and of each family as many images, as there are', () => {
  const families = ['a', 'b', 'a', 'a', 'b'];
  for (const { seeds, images } of resamples(3, families, 50)) {
    expect(sum(seeds)).toBe(3);
    expect(sum(images.filter((_, image) => families[image] === 'a'))).toBe(3);
    expect(sum(images.filter((_, image) => families[image] === 'b'))).toBe(2);
  }
});

test('the same resamples come each time, and are not all alike', () => {
  const families = new Array<string>(20).fill('');
  const [first, second] = [resamples(3, families, 4), resamples(3, families, 4)];
  expect(first).toEqual(second);
  expect(new Set(first.map((one) => JSON.stringify(one))).size).toBe(4);
});

test("an effect of seeds alone has the bootstrap's spread σ/√n, however many images there are", () => {
  const scores: Scores = [0, 1, 2, 3].map((reward) => new Array<number>(50).fill(reward));
  const means = resamples(4, new Array<string>(50).fill(''), 4000).map((draw) =>
    meanOf(scores, draw),
  );
  const center = sum(means) / means.length;
  const spread = Math.sqrt(sum(means.map((value) => (value - center) ** 2)) / means.length);
  // Of a mean of four draws from {0, 1, 2, 3}; the spread of 4000 is known to √(1/8000) = 1.1 %.
  expect(center).toBeCloseTo(1.5, 1);
  expect(Math.abs(spread / Math.sqrt(1.25 / 4) - 1)).toBeLessThan(0.04);
});

test('rewards that only differ between families leave no doubt about their mean', () => {
  const families = ['a', 'a', 'b', 'b'];
  const scores: Scores = [[0.2, 0.2, 0.8, 0.8]];
  const interval = percentileInterval(
    resamples(1, families, 100).map((draw) => meanOf(scores, draw)),
  );
  expect(meanOf(scores, everything(scores))).toBeCloseTo(0.5, 12);
  expect(interval.low).toBeCloseTo(0.5, 12);
  expect(interval.high).toBeCloseTo(0.5, 12);
});

test("an interval is cut as NumPy's percentile cuts it, and knows of missing values", () => {
  // numpy.percentile([1, 2, 3, 4], [2.5, 97.5])
  const { low, high } = percentileInterval([3, 1, Number.NaN, 4, 2]);
  expect(low).toBeCloseTo(1.075, 12);
  expect(high).toBeCloseTo(3.925, 12);
  expect(percentileInterval([])).toEqual({ low: NaN, high: NaN });
});
