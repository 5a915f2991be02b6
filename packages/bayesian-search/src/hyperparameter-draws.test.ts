import { drawHyperparameters } from './hyperparameter-draws';

/** A normal density with the given precision matrix about (1, −2). */
function normal([[a, b], [, c]]: [[number, number], [number, number]]) {
  return ([x = 0, y = 0]: readonly number[]) => {
    const [u, v] = [x - 1, y + 2];
    return {
      value: -0.5 * (a * u * u + 2 * b * u * v + c * v * v),
      gradient: [-(a * u + b * v), -(b * u + c * v)],
    };
  };
}

test('of a normal density all draws weigh alike, and lie as it does', () => {
  // Precision [[2, 1], [1, 3]]: covariance [[3, −1], [−1, 2]] / 5.
  const objective = normal([[2, 1], [1, 3]]); // prettier-ignore
  const draws = Array.from({ length: 100 }, (_, seed) =>
    drawHyperparameters(objective, [1, -2], seed),
  ).flat();
  draws.forEach(({ weight }) => expect(weight).toBeCloseTo(1 / 24, 6));
  const mean = (of: (u: number, v: number) => number) =>
    draws.reduce((sum, { logarithms: [x = 0, y = 0] }) => sum + of(x - 1, y + 2), 0) / draws.length;
  // 2,400 draws: five standard errors of a variance of 0.6 are 0.09.
  expect(Math.abs(mean((u) => u))).toBeLessThan(0.08);
  expect(Math.abs(mean((u) => u * u) - 0.6)).toBeLessThan(0.09);
  expect(Math.abs(mean((u, v) => u * v) + 0.2)).toBeLessThan(0.06);
  expect(Math.abs(mean((_, v) => v * v) - 0.4)).toBeLessThan(0.06);
});

test('where the density is not normal the weights say so', () => {
  // log p = x − e^x: a gamma distribution's logarithm, whose mean is −γ, 0.577 below the top.
  const objective = ([x = 0]: readonly number[]) => ({
    value: x - Math.exp(x),
    gradient: [1 - Math.exp(x)],
  });
  const means = Array.from({ length: 200 }, (_, seed) =>
    drawHyperparameters(objective, [0], seed).reduce(
      (sum, { logarithms: [x = 0], weight }) => sum + weight * x,
      0,
    ),
  );
  const mean = means.reduce((sum, value) => sum + value, 0) / means.length;
  expect(mean).toBeLessThan(-0.3);
  expect(mean).toBeGreaterThan(-0.7);
});

test('the same seed, the same draws', () => {
  const objective = normal([[2, 0], [0, 3]]); // prettier-ignore
  expect(drawHyperparameters(objective, [1, -2], 7)).toEqual(
    drawHyperparameters(objective, [1, -2], 7),
  );
  const [first, other] = [7, 8].map((seed) => drawHyperparameters(objective, [1, -2], seed));
  expect(first).not.toEqual(other);
});
