import { averagesOf } from './averages';
import { covarianceOf } from './covariance';
import { latinHypercube } from './latin-hypercube';
import type { Point } from './latin-hypercube';
import { posteriorOf } from './posterior';

test('m = (1, 2) and K = [[0.5, 0.2], [0.2, 0.3]] average to 1.5, with variance 0.3', () => {
  // Measuring the third place as 1 leaves the other two with that mean and covariance: [[1.5, 2.2], [2.2, 4.3]] − ccᵀ, c = (1, 2).
  const table = [
    [1.5, 2.2, 1],
    [2.2, 4.3, 2],
    [1, 2, 1],
  ];
  const covariance = ([a = 0]: Point, [b = 0]: Point) => table[a]![b]!;
  const posterior = posteriorOf(covariance, { points: [[2]], values: [1], noise: [0] });
  const { means, variances } = averagesOf(posterior, [[[0], [1]]]);
  expect(means[0]).toBeCloseTo(1.5, 12);
  expect(variances[0]).toBeCloseTo(0.3, 12);
});

test('they are what the joint posterior of all points says', () => {
  const covariance = covarianceOf({ lengthScales: [0.4, 0.7], variance: 2 }, [true, true]);
  const points = latinHypercube(6, 2, { names: [1] });
  const values = points.map(([a = 0, b = 0]) => Math.sin(5 * a) + b);
  const posterior = posteriorOf(covariance, { points, values, noise: points.map(() => 0.01) });
  const [first, second] = [
    latinHypercube(3, 2, { names: [2] }),
    latinHypercube(4, 2, { names: [3] }),
  ];
  const averages = averagesOf(posterior, [first, second]);
  // Point by point, through sets of one.
  const all = [...first, ...second];
  const single = averagesOf(
    posterior,
    all.map((point) => [point]),
  );
  const joint = single.covariances();
  const rows = (set: number) => all.map((_, i) => i).filter((i) => i < 3 === (set === 0));
  const mean = (numbers: number[]) =>
    numbers.reduce((sum, value) => sum + value, 0) / numbers.length;
  for (const a of [0, 1]) {
    expect(averages.means[a]).toBeCloseTo(mean(rows(a).map((i) => single.means[i]!)), 10);
    for (const b of [0, 1]) {
      const expected = mean(rows(a).flatMap((i) => rows(b).map((j) => joint[i]![j]!)));
      expect(averages.covariances()[a]![b]).toBeCloseTo(expected, 10);
    }
    expect(averages.variances[a]).toBeCloseTo(averages.covariances()[a]![a]!, 12);
    const place = [0.3, 0.6];
    expect(averages.with(place)[a]).toBeCloseTo(
      mean(rows(a).map((i) => single.with(place)[i]!)),
      10,
    );
  }
  const belief = posterior.at(all[2]!);
  expect(single.means[2]).toBeCloseTo(belief.mean, 12);
  expect(single.variances[2]).toBeCloseTo(belief.variance, 12);
});
