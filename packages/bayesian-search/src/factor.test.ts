import { dot, factorOf } from './factor';

const rows = [
  [4, 2, 0.4],
  [2, 5, 1],
  [0.4, 1, 3],
];

test('factors, solves and inverts', () => {
  const factor = factorOf(rows);
  expect(factor.jitter).toBe(0);
  // 4·(15 − 1) − 2·(6 − 0.4) + 0.4·(2 − 2) = 44.8
  expect(factor.logDeterminant).toBeCloseTo(Math.log(44.8), 12);
  const solution = factor.solve([1, 2, 3]);
  rows.forEach((row, index) => expect(dot(row, solution)).toBeCloseTo(index + 1, 12));
  const halved = factor.half([1, 2, 3]);
  expect(dot(halved, halved)).toBeCloseTo(dot([1, 2, 3], solution), 12);
  factor
    .inverse()
    .forEach((ofInverse, row) =>
      rows.forEach((column, index) =>
        expect(dot(ofInverse, column)).toBeCloseTo(row === index ? 1 : 0, 12),
      ),
    );
});

test('a singular matrix gets as much on its diagonal as it needs', () => {
  const twice = [
    [2, 2, 1],
    [2, 2, 1],
    [1, 1, 2],
  ];
  const { jitter, solve } = factorOf(twice);
  expect(jitter).toBeGreaterThan(0);
  expect(jitter).toBeLessThanOrEqual(2e-8);
  expect(dot(twice[2]!, solve([1, 1, 2]))).toBeCloseTo(2, 5);
});

test('what is no covariance matrix is refused', () => {
  expect(() =>
    factorOf([
      [1, 2],
      [2, 1],
    ]),
  ).toThrow(/positive semi-definite/);
});

test('no data, no matrix', () => {
  const { half, solve, logDeterminant, inverse } = factorOf([]);
  expect([half([]).length, solve([]).length, logDeterminant, inverse().length]).toEqual([
    0, 0, 0, 0,
  ]);
});
