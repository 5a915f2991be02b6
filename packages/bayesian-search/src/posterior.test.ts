import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { covarianceOf } from './covariance';
import { marginalLikelihood } from './marginal-likelihood';
import { posteriorOf } from './posterior';

interface Case {
  lengthScales: number[];
  variance: number;
  points: number[][];
  values: number[];
  noise: number[];
  places: number[][];
  mean: number[];
  standardDeviation: number[];
  logMarginalLikelihood: number;
  gradientInLogLengthScales: number[];
}

const path = join(__dirname, '../fixtures/gaussian-process.json');
const { cases } = JSON.parse(readFileSync(path, 'utf8')) as { cases: Case[] };

describe.each(cases)('as scikit-learn has it, length-scales $lengthScales', (reference) => {
  const { lengthScales, variance, places } = reference;
  const ordered = lengthScales.map(() => true);

  test('mean and standard deviation', () => {
    const posterior = posteriorOf(covarianceOf({ lengthScales, variance }, ordered), reference);
    places.forEach((place, index) => {
      const belief = posterior.at(place);
      expect(belief.mean).toBeCloseTo(reference.mean[index]!, 9);
      expect(Math.sqrt(belief.variance)).toBeCloseTo(reference.standardDeviation[index]!, 9);
    });
  });

  test('marginal likelihood and its gradient', () => {
    // scikit-learn's model has no extra noise.
    const logarithms = [...lengthScales, variance, 1e-16].map(Math.log);
    const { value, gradient } = marginalLikelihood(reference, ordered)(logarithms);
    expect(value).toBeCloseTo(reference.logMarginalLikelihood, 8);
    reference.gradientInLogLengthScales.forEach((slope, axis) =>
      expect(gradient[axis]).toBeCloseTo(slope, 7),
    );
  });
});

test('a measurement without noise is believed', () => {
  const covariance = covarianceOf({ lengthScales: [0.5], variance: 1 }, [true]);
  const points = [[0.2], [0.7]];
  const posterior = posteriorOf(covariance, { points, values: [1, -1], noise: [0, 0] });
  points.forEach((point, index) => {
    expect(posterior.at(point).mean).toBeCloseTo([1, -1][index]!, 9);
    expect(posterior.at(point).variance).toBeCloseTo(0, 9);
  });
});

test('of two measurements at one place the surer one weighs more', () => {
  const posterior = posteriorOf(() => 1, { points: [[0], [0]], values: [0, 3], noise: [0.1, 0.2] });
  // Precisions 1 (the prior's, at 0), 10 and 5.
  expect(posterior.at([0]).mean).toBeCloseTo((5 * 3) / 16, 12);
  expect(posterior.at([0]).variance).toBeCloseTo(1 / 16, 12);
});
