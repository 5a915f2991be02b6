import { expectedImprovement } from './expected-improvement';
import { normalDensity, normalProbability } from './normal';

test('the published form: minimising, μ 0.2, σ 0.5, best 0.4', () => {
  expect(expectedImprovement({ mean: -0.2, variance: 0.25 }, -0.4)).toBeCloseTo(0.315219, 6);
});

test('without uncertainty it is what is gained', () => {
  expect(expectedImprovement({ mean: 2, variance: 0 }, 1.5)).toBe(0.5);
  expect(expectedImprovement({ mean: 1, variance: 0 }, 1.5)).toBe(0);
});

test('it is the mean of max(f − best, 0), by the rule of rectangles', () => {
  for (const [mean, deviation, best] of [
    [0, 1, 0],
    [1, 0.3, 1.2],
    [-2, 1, 0.5],
  ] as const) {
    let sum = 0;
    const step = 1e-3;
    for (let z = -8; z < 8; z += step) {
      sum += Math.max(0, mean + deviation * z - best) * normalDensity(z) * step;
    }
    const exact = expectedImprovement({ mean, variance: deviation ** 2 }, best);
    expect(exact / sum).toBeCloseTo(1, 4);
  }
});

test('it grows with the mean and with the uncertainty, and is never below 0', () => {
  const improvement = (mean: number, variance: number) =>
    expectedImprovement({ mean, variance }, 0);
  expect(improvement(0.1, 1)).toBeGreaterThan(improvement(0, 1));
  expect(improvement(-1, 1.1)).toBeGreaterThan(improvement(-1, 1));
  for (let mean = -60; mean < 2; mean += 0.5) {
    expect(improvement(mean, 1)).toBeGreaterThanOrEqual(0);
    expect(improvement(mean + 0.5, 1)).toBeGreaterThanOrEqual(improvement(mean, 1));
  }
});

test.each([
  [0, 0.5],
  [1, 0.8413447460685429],
  [-1, 0.15865525393145705],
  [1.959963984540054, 0.975],
  [-5, 2.866515718791939e-7],
  [-10, 7.61985302416047e-24],
])('Φ(%d) = %d', (z, probability) => {
  expect(Math.abs(normalProbability(z) / probability - 1)).toBeLessThan(1.2e-7);
});
