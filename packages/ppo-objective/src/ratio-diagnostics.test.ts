import fc from 'fast-check';
import { scaleClipRange } from './clip-range';
import {
  assertRatioIsOne,
  ratioDiagnostics,
  ratioDiagnosticsByTimestep,
} from './ratio-diagnostics';

const finite = fc.double({ min: -3, max: 3, noNaN: true });

test('numbers that a hand can check', () => {
  const [up, down] = [Math.log(1.2), Math.log(0.9)];
  const result = ratioDiagnostics([up, down, 0, 0], [0, 0, 0, 0], 0.15);
  expect(result.count).toBe(4);
  expect(result.ratioMean).toBeCloseTo(1.025, 12);
  // Deviations .175, −.125, −.025, −.025.
  expect(result.ratioStd).toBeCloseTo(Math.sqrt(0.0475 / 4), 12);
  expect(result.ratioMaxDeviation).toBeCloseTo(0.2, 12);
  expect(result.clipFraction).toBe(0.25);
  expect(result.approxKl).toBeCloseTo((up ** 2 + down ** 2) / 8, 12);
});

test('only differences of log-probabilities matter', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(finite, finite), { minLength: 1 }), finite, (rows, shift) => {
      const [now, old] = [rows.map(([first]) => first), rows.map(([, second]) => second)];
      const plain = ratioDiagnostics(now, old, 0.1);
      const shifted = ratioDiagnostics(
        now.map((value) => value + shift),
        old.map((value) => value + shift),
        0.1,
      );
      expect(shifted.ratioMean).toBeCloseTo(plain.ratioMean, 9);
      expect(shifted.approxKl).toBeCloseTo(plain.approxKl, 9);
    }),
  );
});

test('timesteps are told apart and add up', () => {
  const timesteps = [1, 801, 1, 401, 801];
  const now = Float32Array.from([0.5, 0, -0.5, 0.01, 0]);
  const old = new Float32Array(5);
  const byTimestep = ratioDiagnosticsByTimestep(timesteps, now, old, 0.1);
  expect(
    byTimestep.map(({ timestep, count, clipFraction }) => [timestep, count, clipFraction]),
  ).toEqual([
    [801, 2, 0],
    [401, 1, 0],
    [1, 2, 1],
  ]);
  const overall = ratioDiagnostics(now, old, 0.1);
  const weighted = byTimestep.reduce((sum, { count, ratioMean }) => sum + count * ratioMean, 0) / 5;
  expect(weighted).toBeCloseTo(overall.ratioMean, 12);
  expect(() => ratioDiagnosticsByTimestep([1], now, old, 0.1)).toThrow(
    'timesteps [1] and logProb [5] must have the same shape [rows].',
  );
});

test('a ratio that does not start at one fails loudly', () => {
  const logProb = Float32Array.from([0.25, 1.5, -2]);
  expect(() => {
    assertRatioIsOne(logProb, logProb.slice());
  }).not.toThrow();
  const off = Float32Array.from([0.25, 1.5 + 1e-4, -2]);
  expect(() => {
    assertRatioIsOne(off, logProb);
  }).toThrow(/must be 1 before the first update.*1\.00e-4 in row 1/);
  expect(() => {
    assertRatioIsOne(off, logProb, 2e-4);
  }).not.toThrow();
});

test('the clip range follows the latent', () => {
  expect(scaleClipRange(64 * 64 * 4)).toBeCloseTo(1e-4, 12);
  expect(scaleClipRange(8 * 8 * 4)).toBeCloseTo(8e-4, 12);
  expect(() => scaleClipRange(0)).toThrow(/at least 1, got 0/);
});

test('nonsense is refused with the row', () => {
  expect(() => ratioDiagnostics([0, NaN], [0, 0], 0.1)).toThrow(/Row 1 has log-probability NaN/);
  expect(() => ratioDiagnostics([0], [0, 0], 0.1)).toThrow(/logProb \[1\] and oldLogProb \[2\]/);
  expect(() => ratioDiagnostics([], [], 0.1)).toThrow(/at least one row/);
});
