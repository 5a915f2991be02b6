import { fitHyperparameters, logPosteriorOf } from './fit';
import { latinHypercube } from './latin-hypercube';
import { fromLogarithms, marginalLikelihood } from './marginal-likelihood';
import { uniform } from './random';

/** Values that depend on the first key much, on the second a little, on the third not at all; with mean 0 and variance 1. */
function measurements(count: number, scatter = 0) {
  const points = latinHypercube(count, 3, { names: [11] });
  const raw = points.map(
    ([a = 0, b = 0], run) => Math.sin(7 * a) + 0.5 * b + scatter * (uniform(12, run) - 0.5),
  );
  const mean = raw.reduce((sum, value) => sum + value, 0) / count;
  const deviation = Math.sqrt(raw.reduce((sum, value) => sum + (value - mean) ** 2, 0) / count);
  const values = raw.map((value) => (value - mean) / deviation);
  return { points, values, noise: points.map((_, run) => 1e-3 * (1 + (run % 3))) };
}
const ordered = [true, true, true];

test.each([marginalLikelihood, logPosteriorOf])('gradients are those of differences: %p', (of) => {
  const objective = of(measurements(12), [true, true, false]);
  const at = [-0.7, 0.2, 0.5, 0.3, -4];
  const { gradient } = objective(at);
  gradient.forEach((slope, index) => {
    const moved = (by: number) => objective(at.map((v, i) => (i === index ? v + by : v))).value;
    expect(slope).toBeCloseTo((moved(1e-5) - moved(-1e-5)) / 2e-5, 5);
  });
});

test('nothing on a grid of hyper-parameters is more likely than what was found', () => {
  const data = measurements(15);
  const objective = logPosteriorOf(data, ordered);
  const { lengthScales, variance, extraNoise } = fitHyperparameters(data, ordered);
  const found = objective([...lengthScales, variance, extraNoise].map(Math.log)).value;
  let best = -Infinity;
  const lengths = [-2, -1, 0, 1, 2];
  for (const a of lengths)
    for (const b of lengths)
      for (const c of lengths)
        for (const v of [-1, 0, 1, 2])
          for (const n of [-9, -7, -5, -3]) best = Math.max(best, objective([a, b, c, v, n]).value);
  expect(found).toBeGreaterThanOrEqual(best);
  // And it is a top: flat in every direction.
  const { gradient } = objective([...lengthScales, variance, extraNoise].map(Math.log));
  gradient.forEach((slope) => expect(Math.abs(slope)).toBeLessThan(1e-2));
});

test('keys that matter less get longer length-scales', () => {
  const { lengthScales } = fitHyperparameters(measurements(30), ordered);
  expect(lengthScales[0]).toBeLessThan(lengthScales[1]!);
  expect(lengthScales[1]).toBeLessThan(lengthScales[2]!);
});

test('scatter beyond the standard errors is found', () => {
  // Of uniform numbers of width 1 over a function with a standard deviation of about 0.7: 1/12/0.5 ≈ 0.15.
  const { extraNoise } = fitHyperparameters(measurements(40, 1), ordered);
  expect(extraNoise).toBeGreaterThan(0.03);
  expect(extraNoise).toBeLessThan(0.4);
  expect(fitHyperparameters(measurements(40), ordered).extraNoise).toBeLessThan(0.01);
});

test('without measurements the prior speaks', () => {
  const none = { points: [], values: [], noise: [] };
  const { lengthScales, variance } = fitHyperparameters(none, [true, true, true, true]);
  lengthScales.forEach((length) => expect(length).toBeCloseTo(1, 12));
  expect(variance).toBe(1);
});

test('logarithms come back in order', () => {
  expect(fromLogarithms([0, Math.log(2), Math.log(3), Math.log(4)])).toEqual({
    lengthScales: [1, expect.closeTo(2, 12)],
    variance: expect.closeTo(3, 12),
    extraNoise: expect.closeTo(4, 12),
  });
});
