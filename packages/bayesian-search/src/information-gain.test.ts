import { covarianceOf } from './covariance';
import { informationGain } from './information-gain';
import { latinHypercube } from './latin-hypercube';
import type { Point } from './latin-hypercube';
import { posteriorOf } from './posterior';

const rbf = ([a = 0]: Point, [b = 0]: Point) => Math.exp(-0.5 * (a - b) ** 2);
const prior = posteriorOf(rbf, { points: [], values: [], noise: [] });

test.each([
  { at: 0, expected: 1.963468 },
  { at: 1, expected: 0.223637 },
  { at: 100, expected: 0 },
])('a path of one point, seen from $at length-scales away: $expected', ({ at, expected }) => {
  expect(informationGain(prior, [[[0]]], 0.01)([at])).toBeCloseTo(expected, 6);
});

test('it stays finite on the path, however small the noise', () => {
  const gain = informationGain(prior, [[[0]]], 1e-12)([0]);
  expect(Number.isFinite(gain)).toBe(true);
  expect(gain).toBeGreaterThan(10);
});

test('nothing is to be learnt where the path is known already', () => {
  const path = [0, 0.5, 1].map((at) => [at]);
  const known = posteriorOf(rbf, {
    points: path,
    values: [1, 2, 0],
    noise: path.map(() => 1e-9),
  });
  path.forEach((point) => {
    const sets = path.map((each) => [each]);
    expect(informationGain(known, sets, 0.01)(point)).toBeLessThan(1e-6);
    expect(informationGain(prior, sets, 0.01)(point)).toBeGreaterThan(1);
  });
});

test('never below 0, never above what a run can tell of itself', () => {
  const covariance = covarianceOf({ lengthScales: [0.3, 0.5], variance: 1.5 }, [true, true]);
  const points = latinHypercube(8, 2, { names: [1] });
  const posterior = posteriorOf(covariance, {
    points,
    values: points.map(([a = 0, b = 0]) => a * b),
    noise: points.map((_, run) => 0.01 * run),
  });
  const gain = informationGain(
    posterior,
    [latinHypercube(9, 2, { names: [2] }), [[0.1, 0.2]]],
    0.02,
  );
  for (const point of [...latinHypercube(200, 2, { names: [3] }), ...points]) {
    const most = 0.5 * Math.log(1 + posterior.at(point).variance / 0.02);
    expect(gain(point)).toBeGreaterThanOrEqual(0);
    expect(gain(point)).toBeLessThanOrEqual(most + 1e-9);
  }
});

test('of an average it is that of one Gaussian about another', () => {
  // ρ² = c²/(v·(C + N)): the mutual information of two Gaussians is −½ ln(1 − ρ²).
  const set = [[0], [1], [2]];
  const c = (rbf([0.5], [0]) + rbf([0.5], [1]) + rbf([0.5], [2])) / 3;
  const variance = (3 + 4 * Math.exp(-0.5) + 2 * Math.exp(-2)) / 9;
  const correlation = c ** 2 / (1.1 * (variance + 0.1 / 3));
  expect(informationGain(prior, [set], 0.1)([0.5])).toBeCloseTo(
    -0.5 * Math.log(1 - correlation),
    12,
  );
});
