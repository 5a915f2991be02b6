import { EigenvalueDecomposition, Matrix } from 'ml-matrix';
import { covarianceOf, matern52, matern52Slope } from './covariance';
import { latinHypercube } from './latin-hypercube';

test('the values of the closed form', () => {
  expect(matern52(0)).toBe(1);
  // r = 1: (1 + √5 + 5/3) e^{−√5}
  expect(matern52(1)).toBeCloseTo((1 + Math.sqrt(5) + 5 / 3) * Math.exp(-Math.sqrt(5)), 15);
  expect(matern52(1)).toBeCloseTo(0.523994, 6);
});

test('the slope is that of the logarithm of a length-scale', () => {
  const at = (logLength: number) => matern52(0.49 / Math.exp(2 * logLength) + 0.2);
  const step = 1e-5;
  expect(matern52Slope(0.49 + 0.2) * 0.49).toBeCloseTo((at(step) - at(-step)) / (2 * step), 9);
});

test('a length-scale is a unit along its axis, and unordered values are one apart', () => {
  const covariance = covarianceOf({ lengthScales: [0.5, 2], variance: 3 }, [true, false]);
  expect(covariance([0, 0.1], [0.5, 0.1])).toBeCloseTo(3 * matern52(1), 12);
  expect(covariance([0, 0.1], [0, 0.9])).toBeCloseTo(3 * matern52(1 / 4), 12);
  expect(covariance([0, 0.1], [0, 0.2])).toBe(covariance([0, 0.1], [0, 0.9]));
});

test('matrices are positive semi-definite, with and without an order', () => {
  for (const ordered of [
    [true, true, true],
    [true, false, false],
  ]) {
    const points = latinHypercube(25, 3, { names: [5] }).map(([a = 0, b = 0, c = 0]) => [
      a,
      Math.floor(b * 4),
      Math.floor(c * 3),
    ]);
    const covariance = covarianceOf({ lengthScales: [0.3, 1, 2], variance: 1 }, ordered);
    const matrix = new Matrix(points.map((a) => points.map((b) => covariance(a, b))));
    const smallest = Math.min(...new EigenvalueDecomposition(matrix).realEigenvalues);
    expect(smallest).toBeGreaterThan(-1e-12);
  }
});
