import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { clippedSurrogate } from './clipped-surrogate';
import { ratioDiagnostics } from './ratio-diagnostics';
import { reinforce } from './reinforce';

interface RecordedCase {
  name: string;
  clipRange: number;
  logProb: number[];
  oldLogProb: number[];
  ratio: number[];
  loss: number;
  approxKl: number;
  clipFraction: number;
}

const recorded = JSON.parse(
  readFileSync(join(__dirname, '../fixtures/ddpo-loss.json'), 'utf8'),
) as { advantages: number[]; advantageClip: number; cases: RecordedCase[] };

function gradient(loss: (logProb: tf.Tensor1D) => tf.Scalar, logProb: number[]): number[] {
  return tf.tidy(() =>
    Array.from(
      tf
        .grad((x) => loss(x as tf.Tensor1D))(tf.tensor1d(logProb))
        .dataSync(),
    ),
  );
}

describe.each(['best', 'cpu'])('on the %s backend', (backend) => {
  let usual = '';
  beforeAll(async () => {
    usual = tf.getBackend();
    if (backend === 'cpu') await tf.setBackend('cpu');
  });
  afterAll(() => tf.setBackend(usual));

  test('the published example: a loss and its diagnostics to all digits', () => {
    const logProb = [3e-4, -3e-4, 5e-5, -2e-4];
    const oldLogProb = [0, 0, 0, 0];
    const advantages = [-4, -8 / 3, 0, 20 / 3];
    const loss = clippedSurrogate({
      logProb: tf.tensor1d(logProb),
      oldLogProb,
      advantages,
      clipRange: 1e-4,
      advantageClip: 5,
    });
    expect(loss.dataSync()[0]).toBeCloseTo(0.41715002, 6);
    const diagnostics = ratioDiagnostics(logProb, oldLogProb, 1e-4);
    expect(diagnostics.approxKl).toBeCloseTo(2.78125e-8, 15);
    expect(diagnostics.clipFraction).toBe(0.75);
  });

  test.each(recorded.cases)("TRL's $name", (expected) => {
    const loss = clippedSurrogate({
      logProb: tf.tensor1d(expected.logProb),
      oldLogProb: expected.oldLogProb,
      advantages: recorded.advantages,
      clipRange: expected.clipRange,
      advantageClip: recorded.advantageClip,
    });
    // Six rows of size 5: a float32 rounding of their mean is 3e-7.
    expect(Math.abs(loss.dataSync()[0]! - expected.loss)).toBeLessThan(5e-7);
    const { approxKl, clipFraction, count } = ratioDiagnostics(
      expected.logProb,
      expected.oldLogProb,
      expected.clipRange,
    );
    expect(count).toBe(6);
    // The recorded divergence squares differences that float32 had rounded to 1e-7.
    expect(Math.abs(approxKl - expected.approxKl)).toBeLessThan(1e-6 * expected.approxKl + 1e-12);
    expect(clipFraction).toBeCloseTo(expected.clipFraction, 7);
  });

  // ε = 0.1: ρ far below, inside, far above; the sign of the advantage decides which side is cut off.
  test.each([
    { advantage: 2, ratio: 0.5, passes: true },
    { advantage: 2, ratio: 0.95, passes: true },
    { advantage: 2, ratio: 1.05, passes: true },
    { advantage: 2, ratio: 1.5, passes: false },
    { advantage: -2, ratio: 0.5, passes: false },
    { advantage: -2, ratio: 0.95, passes: true },
    { advantage: -2, ratio: 1.05, passes: true },
    { advantage: -2, ratio: 1.5, passes: true },
    { advantage: 0, ratio: 1.5, passes: false },
  ])('gradient at advantage $advantage and ratio $ratio', ({ advantage, ratio, passes }) => {
    const [slope] = gradient(
      (logProb) =>
        clippedSurrogate({ logProb, oldLogProb: [0], advantages: [advantage], clipRange: 0.1 }),
      [Math.log(ratio)],
    );
    // d/d log p of −A ρ is −A ρ; cut off it is 0, not small.
    if (passes) expect(slope).toBeCloseTo(-advantage * ratio, 5);
    else expect(Math.abs(slope!)).toBe(0);
  });

  test('before the first update the gradient is that of REINFORCE, whatever the clip range', () => {
    const logProb = [-1.25, 0.5, 2.75];
    const advantages = [1.5, -0.25, -1.25];
    const surrogate = gradient(
      (x) => clippedSurrogate({ logProb: x, oldLogProb: logProb, advantages, clipRange: 1e-4 }),
      logProb,
    );
    expect(surrogate).toEqual(gradient((x) => reinforce({ logProb: x, advantages }), logProb));
    // −A/rows
    surrogate.forEach((slope, row) => {
      expect(slope).toBeCloseTo(-advantages[row]! / 3, 6);
    });
  });

  test('constants may be tensors', () => {
    const logProb = tf.tensor1d([0.01, -0.02]);
    const input = { logProb, clipRange: 0.5 };
    const plain = clippedSurrogate({ ...input, oldLogProb: [0, 0.1], advantages: [1, -1] });
    const tensors = clippedSurrogate({
      ...input,
      oldLogProb: tf.tensor1d([0, 0.1]),
      advantages: tf.tensor1d([1, -1]),
    });
    expect(tensors.dataSync()[0]).toBe(plain.dataSync()[0]);
  });

  test('a ratio worked out elsewhere stands for the log-probabilities', () => {
    const logRatio = [0.05, -0.3, 0.2, 0.15];
    const input = { advantages: [1, -2, 0.5, -1], clipRange: 0.1 };
    const usual = (x: tf.Tensor1D) =>
      clippedSurrogate({ ...input, logProb: x, oldLogProb: [0, 0, 0, 0] });
    const given = (x: tf.Tensor1D) =>
      clippedSurrogate({ ...input, ratio: tf.exp(x), logProb: x, oldLogProb: [9, 9, 9, 9] });
    const x = tf.tensor1d(logRatio);
    expect(given(x).dataSync()[0]).toBe(usual(x).dataSync()[0]);
    expect(gradient(given, logRatio)).toEqual(gradient(usual, logRatio));
    expect(() => clippedSurrogate({ ...input, ratio: tf.tensor1d([1]) })).toThrow(
      'advantages [4] and ratio [1] must have the same shape [rows].',
    );
  });

  test('a clip range per row cuts each where it says', () => {
    const logRatio = [1.3, 1.3, 0.7, 0.7].map(Math.log);
    const slopesWith = (clipRange: number | tf.Tensor1D, advantages: number[]) =>
      gradient(
        (logProb) => clippedSurrogate({ logProb, oldLogProb: [0, 0, 0, 0], advantages, clipRange }),
        logRatio,
      ).map((slope) => slope + 0); // −0 is 0
    const ranges = tf.tensor1d([0.2, 0.4, 0.2, 0.4]);
    const expected = [0, -1.3 / 4, 0, 0.7 / 4];
    slopesWith(ranges, [1, 1, -1, -1]).forEach((slope, row) => {
      expect(slope).toBeCloseTo(expected[row]!, 6);
    });
    const same = tf.fill<tf.Rank.R1>([4], 0.2);
    const advantages = [1, -2, 3, -4];
    expect(slopesWith(same, advantages)).toEqual(slopesWith(0.2, advantages));
    expect(() => slopesWith(tf.tensor1d([0.2]), advantages)).toThrow(
      'clipRange [1] and logProb [4] must have the same shape [rows].',
    );
  });

  test('a ratio that overflows is neither NaN nor infinite', () => {
    const ratioOf = (logProb: number, advantage: number) =>
      clippedSurrogate({
        logProb: tf.tensor1d([logProb, 0.05]),
        oldLogProb: [0, 0],
        advantages: [advantage, 1],
        clipRange: 0.1,
      }).dataSync()[0]!;
    // Without an advantage a row counts for nothing, however far it is.
    expect(ratioOf(200, 0)).toBeCloseTo(-Math.exp(0.05) / 2, 6);
    expect(ratioOf(200, 1)).toBeCloseTo(-(1.1 + Math.exp(0.05)) / 2, 6);
    expect(ratioOf(200, -1) / (Math.exp(60) / 2)).toBeCloseTo(1, 5);
    expect(ratioOf(-200, -1)).toBeCloseTo((0.9 - Math.exp(0.05)) / 2, 6);
    const slopes = gradient(
      (logProb) =>
        clippedSurrogate({ logProb, oldLogProb: [0, 0], advantages: [0, 1], clipRange: 0.1 }),
      [200, 0.05],
    );
    expect(Math.abs(slopes[0]!)).toBe(0);
    expect(slopes[1]).toBeCloseTo(-Math.exp(0.05) / 2, 6);
  });

  test('nothing is left behind', () => {
    const logProb = tf.tensor1d([0, 0.1]);
    const before = tf.memory().numTensors;
    const loss = clippedSurrogate({
      logProb,
      oldLogProb: [0, 0],
      advantages: [1, -1],
      clipRange: 0.1,
      advantageClip: 5,
    });
    const other = reinforce({ logProb, advantages: [1, -1] });
    tf.dispose([loss, other]);
    expect(tf.memory().numTensors).toBe(before);
  });
});

test('what cannot be computed is refused', () => {
  const logProb = tf.tensor1d([0, 0]);
  const input = { logProb, oldLogProb: [0, 0], advantages: [1, -1], clipRange: 1e-4 };
  expect(() => clippedSurrogate({ ...input, clipRange: 0 })).toThrow(/above 0, got 0.*scaleClip/);
  expect(() => clippedSurrogate({ ...input, clipRange: NaN })).toThrow(RangeError);
  expect(() => clippedSurrogate({ ...input, advantageClip: -1 })).toThrow(/advantageClip/);
  expect(() => clippedSurrogate({ ...input, oldLogProb: [0] })).toThrow(
    'oldLogProb [1] and logProb [2] must have the same shape [rows].',
  );
  expect(() => reinforce({ logProb, advantages: [1, 2, 3] })).toThrow(/advantages \[3\]/);
  expect(() => reinforce({ logProb: tf.tensor1d([]), advantages: [] })).toThrow(/at least one row/);
});
