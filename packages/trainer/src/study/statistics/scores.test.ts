import { resamples } from './resamples';
import { above, difference, everything, interquartileMean, meanOf, paired, win } from './scores';

const once = { seeds: [1], images: [1, 1, 1, 1, 1] };

test('a mean counts each reward as often as it was drawn, and leaves out those that are missing', () => {
  const scores = [
    [0, 1, Number.NaN],
    [10, 20, 30],
  ];
  expect(meanOf(scores, { seeds: [1, 1], images: [1, 1, 1] })).toBeCloseTo(61 / 5, 12);
  expect(meanOf(scores, { seeds: [2, 0], images: [3, 0, 0] })).toBe(0);
  expect(meanOf(scores, { seeds: [2, 0], images: [0, 0, 3] })).toBeNaN();
});

test("the interquartile mean is scipy's trim_mean at a quarter", () => {
  const of = (rewards: number[]) => interquartileMean([rewards])(everything([rewards]));
  expect(of([8, 7, 6, 5, 4, 3, 2, 1])).toBe(4.5);
  expect(of([0, 10, 1, 3, 2])).toBe(2);
});

test('of a resample it is that of the draws written out', () => {
  const scores = [
    [0.3, 0.9, 0.1, 0.7, 0.5],
    [0.2, 0.8, Number.NaN, 0.6, 0.4],
  ];
  const statistic = interquartileMean(scores);
  for (const draw of resamples(2, ['', '', '', '', ''], 20)) {
    const written = scores
      .flatMap((row, seed) =>
        row.flatMap((reward, image) =>
          new Array<number>(draw.seeds[seed]! * draw.images[image]!).fill(reward),
        ),
      )
      .filter((reward) => !Number.isNaN(reward))
      .sort((left, right) => left - right);
    const cut = Math.floor(written.length / 4);
    const middle = written.slice(cut, written.length - cut);
    const expected = middle.reduce((sum, reward) => sum + reward, 0) / middle.length;
    expect(statistic(draw)).toBeCloseTo(expected, 12);
  }
});

test('pairs are of the same seed and image', () => {
  const left = [[1, 2, Number.NaN, 5, 3]];
  const right = [[0, 2, 1, Number.NaN, 4]];
  expect(paired(left, right, difference)).toEqual([[1, 0, NaN, NaN, -1]]);
  expect(paired(left, right, win)).toEqual([[1, 0.5, NaN, NaN, 0]]);
  expect(meanOf(paired(left, right, win), once)).toBe(0.5);
});

test('a point of a profile counts the rewards above it', () => {
  expect([0.4, 0.5, 0.6, Number.NaN].map(above(0.5))).toEqual([0, 0, 1, NaN]);
});
