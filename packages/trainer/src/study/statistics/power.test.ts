import { seedsFor, standardErrorOf, varianceComponents } from './power';

test('effects that add up are told apart exactly', () => {
  const differences = [-0.1, 0.1].map((seed) => [-0.2, 0, 0.2].map((image) => 0.05 + seed + image));
  const { seed, image, rest } = varianceComponents(differences);
  expect(seed).toBeCloseTo(0.02, 12);
  expect(image).toBeCloseTo(0.04, 12);
  expect(rest).toBeCloseTo(0, 12);
  expect(standardErrorOf({ seed, image, rest }, 2, 3)).toBeCloseTo(Math.sqrt(0.01 + 0.04 / 3), 12);
});

test('what neither seeds nor images explain is the rest', () => {
  // A table whose rows and columns have equal sums: all that varies is in its cells.
  const { seed, image, rest } = varianceComponents([
    [1, -1],
    [-1, 1],
  ]);
  expect({ seed, image }).toEqual({ seed: 0, image: 0 });
  // The sum of squares 4 over (2 − 1)(2 − 1) degrees of freedom.
  expect(rest).toBe(4);
});

test('an image that a seed lacks is left out', () => {
  const whole = [
    [0.1, 0.5, 0.2],
    [0.3, 0.4, 0.9],
  ];
  const holed = whole.map((row) => [...row, Number.NaN]);
  expect(varianceComponents(holed)).toEqual(varianceComponents(whole));
});

test('one seed, or one image, tells nothing', () => {
  expect(() => varianceComponents([[1, 2]])).toThrow(
    'need at least 2 seeds and 2 images that all of them have, not 1 and 2',
  );
  expect(() => varianceComponents([[1], [2]])).toThrow(RangeError);
});

test('seeds are as many as make the difference 2.80 standard errors', () => {
  const components = { seed: 4e-4, image: 0, rest: 0 };
  // (1.95996 + 0.84162)² · 4e-4 / 0.02² = 7.85
  expect(seedsFor(0.02, components, 512)).toBe(8);
  expect(seedsFor(0.04, components, 512)).toBe(2);
});

test('no number of seeds makes up for prompts that are too few', () => {
  const components = { seed: 1e-4, image: 0.04, rest: 0.02 };
  expect(seedsFor(0.02, components, 256)).toBe(Infinity);
  expect(seedsFor(0.02, components, 4096)).toBeLessThan(10);
});
