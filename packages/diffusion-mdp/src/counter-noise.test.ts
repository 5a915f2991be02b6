import fc from 'fast-check';
import { counterNormal, counterUniform } from './counter-noise';
import type { NoiseKey } from './counter-noise';
import { philox4x32 } from './philox';

const key: NoiseKey = { seed: 2024, prompt: 3, sample: 1, step: 7 };
const count = 20_000;

const average = (values: ArrayLike<number>, of: (value: number, index: number) => number) =>
  Array.from(values, of).reduce((total, value) => total + value, 0) / values.length;

/** Largest distance between the empirical distribution and a given one (Kolmogorov–Smirnov). */
function distance(values: Float32Array, distribution: (value: number) => number): number {
  const sorted = Float64Array.from(values).sort();
  return sorted.reduce((worst, value, index) => {
    const expected = distribution(value);
    const [below, above] = [index / sorted.length, (index + 1) / sorted.length];
    return Math.max(worst, Math.abs(expected - below), Math.abs(expected - above));
  }, 0);
}

/** Φ by the error function's approximation 7.1.26 of Abramowitz and Stegun, within 1e-7. */
function normalDistribution(value: number): number {
  const x = Math.abs(value) / Math.SQRT2;
  const t = 1 / (1 + 0.3275911 * x);
  const series =
    t *
    (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
  const erf = 1 - series * Math.exp(-x * x);
  return value < 0 ? (1 - erf) / 2 : (1 + erf) / 2;
}

/** Exceeded by a true sample in one of a thousand seeds; the seeds here are fixed. */
const DISTANCE_LIMIT = 1.95 / Math.sqrt(count);

describe('normals', () => {
  const values = counterNormal(key, count);

  test('have the moments of N(0, 1)', () => {
    // Four standard errors: of the mean 1, the square √2, the cube √15, the fourth power √96, over √count.
    const limit = (deviation: number) => (4 * deviation) / Math.sqrt(count);
    expect(Math.abs(average(values, (z) => z))).toBeLessThan(limit(1));
    expect(Math.abs(average(values, (z) => z ** 2) - 1)).toBeLessThan(limit(Math.SQRT2));
    expect(Math.abs(average(values, (z) => z ** 3))).toBeLessThan(limit(Math.sqrt(15)));
    expect(Math.abs(average(values, (z) => z ** 4) - 3)).toBeLessThan(limit(Math.sqrt(96)));
  });

  test('are distributed normally, out to the tails', () => {
    expect(distance(values, normalDistribution)).toBeLessThan(DISTANCE_LIMIT);
    const beyond3 = values.filter((z) => Math.abs(z) > 3).length;
    // 0.27 % expected, 54 ± 7.3.
    expect(Math.abs(beyond3 - 0.0027 * count)).toBeLessThan(29);
  });

  test('are independent of their neighbours, in value and in size', () => {
    for (const lag of [1, 2, 3, 4]) {
      const products = average(values, (z, index) => z * (values[(index + lag) % count] ?? 0));
      const sizes = average(
        values,
        (z, index) => (z ** 2 - 1) * ((values[(index + lag) % count] ?? 0) ** 2 - 1),
      );
      expect(Math.abs(products)).toBeLessThan(4 / Math.sqrt(count));
      expect(Math.abs(sizes)).toBeLessThan(8 / Math.sqrt(count));
    }
  });

  test.each<Partial<NoiseKey>>([
    { seed: 2025 },
    { seed: 2024 + 2 ** 32 },
    { prompt: 4 },
    { sample: 2 },
    { step: 8 },
    { stream: 1 },
  ])('are independent of those of the key with %j', (change) => {
    const others = counterNormal({ ...key, ...change }, count);
    const products = average(values, (z, index) => z * others[index]!);
    expect(Math.abs(products)).toBeLessThan(4 / Math.sqrt(count));
  });
});

describe('uniforms', () => {
  const values = counterUniform(key, count);

  test('fill [0, 1) evenly', () => {
    expect(distance(values, (value) => value)).toBeLessThan(DISTANCE_LIMIT);
    expect(values.every((value) => value >= 0 && value < 1)).toBe(true);
  });

  test('share no block with the normals of the same key', () => {
    const normals = counterNormal(key, count);
    const products = average(values, (value, index) => (value - 0.5) * normals[index]!);
    expect(Math.abs(products)).toBeLessThan((4 * Math.sqrt(1 / 12)) / Math.sqrt(count));
  });
});

test('an array is the beginning of a longer one: nothing depends on how much is drawn at once', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 40 }),
      fc.integer({ min: 0, max: 40 }),
      (first, second) => {
        const [short, long] = [Math.min(first, second), Math.max(first, second)];
        for (const draw of [counterNormal, counterUniform]) {
          expect(draw(key, short)).toEqual(draw(key, long).slice(0, short));
        }
      },
    ),
  );
});

test('the words of a key are where the table says', () => {
  const at = { seed: 5 + 3 * 2 ** 32, prompt: 11, sample: 22, step: 33, stream: 44 };
  const [word0] = philox4x32([1, 33, 22, 11], [5, 3 + 44 * 2 ** 21 + 2 ** 31]);
  expect(counterUniform(at, 5)[4]).toBe((word0 >>> 8) / 2 ** 24);
  const [first, second] = philox4x32([0, 33, 22, 11], [5, 3 + 44 * 2 ** 21]);
  const radius = Math.sqrt(-2 * Math.log((first + 0.5) / 2 ** 32));
  expect(counterNormal(at, 1)[0]).toBe(
    Math.fround(radius * Math.cos((2 * Math.PI * (second + 0.5)) / 2 ** 32)),
  );
});

test('keys that differ anywhere differ in their words', () => {
  const part = fc.integer({ min: 0, max: 2 ** 32 - 1 });
  const anyKey = fc.record({
    seed: fc.maxSafeNat(),
    prompt: part,
    sample: part,
    step: part,
    stream: fc.integer({ min: 0, max: 1023 }),
  });
  fc.assert(
    fc.property(anyKey, anyKey, (left, right) => {
      fc.pre(JSON.stringify(left) !== JSON.stringify(right));
      // Philox is a bijection for each key, so equal blocks of 256 bits would need equal words.
      expect(counterUniform(left, 8)).not.toEqual(counterUniform(right, 8));
    }),
  );
});

test.each<[string, Partial<NoiseKey>]>([
  ['seed', { seed: -1 }],
  ['seed', { seed: 2 ** 53 }],
  ['prompt', { prompt: 2 ** 32 }],
  ['sample', { sample: 0.5 }],
  ['step', { step: NaN }],
  ['stream', { stream: 1024 }],
])('refuses a %s out of range', (name, change) => {
  expect(() => counterNormal({ ...key, ...change }, 1)).toThrow(new RegExp(`${name} must be`));
  expect(() => counterUniform({ ...key, ...change }, 1)).toThrow(RangeError);
});

test('refuses a count that is none', () => {
  expect(() => counterNormal(key, -1)).toThrow(/number of values.*got -1/);
  expect(counterNormal(key, 0)).toHaveLength(0);
});
