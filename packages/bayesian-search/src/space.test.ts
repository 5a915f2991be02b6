import fc from 'fast-check';
import { axisOf } from './axis';
import type { Parameter } from './axis';
import { cubeOf } from './space';
import type { Space } from './space';

const space: Space = {
  rate: { scale: 'log', min: 1e-5, max: 1e-2 },
  weight: { scale: 'linear', min: -1, max: 3 },
  updates: { scale: 'integer', min: 1, max: 4 },
  k: { scale: 'power-of-two', min: 2, max: 16 },
  method: { scale: 'choice', values: ['loop', 'ppo', true] },
};
const cube = cubeOf(space);

test('the corners are the ends, the middle is the middle of each scale', () => {
  const ends = (at: number) => cube.toSettings(cube.keys.map(() => at));
  expect(ends(0)).toEqual({ rate: 1e-5, weight: -1, updates: 1, k: 2, method: 'loop' });
  expect(ends(1)).toEqual({ rate: 1e-2, weight: 3, updates: 4, k: 16, method: true });
  const { rate, weight } = ends(0.5);
  expect(rate).toBeCloseTo(Math.sqrt(1e-7), 15);
  expect(weight).toBe(1);
});

test('there and back again', () => {
  const coordinate = fc.double({ min: 0, max: 1, noNaN: true });
  fc.assert(
    fc.property(fc.tuple(coordinate, coordinate, coordinate, coordinate, coordinate), (point) => {
      const settings = cube.toSettings(point);
      const snapped = cube.snap(point);
      const again = cube.toPoint(settings);
      again.forEach((value, axis) => expect(value).toBeCloseTo(snapped[axis]!, 12));
      // Values that are not numbers on a line come back exactly, for the kernel asks whether they are the same.
      expect(again.slice(2)).toEqual(snapped.slice(2));
      expect(cube.snap(snapped)).toEqual(snapped);
    }),
    { seed: 1 },
  );
});

test('uniform coordinates are uniform values', () => {
  const counts = new Map<unknown, number>();
  for (let index = 0; index < 400; index += 1) {
    const value = cube.axes[3]!.toValue((index + 0.5) / 400);
    counts.set(value, (counts.get(value) ?? 0) + 1);
  }
  expect([...counts]).toEqual([2, 4, 8, 16].map((value) => [value, 100]));
});

test('grids have the ends, and no value twice', () => {
  expect(cube.axes[0]!.grid(3)).toEqual([0, 0.5, 1]);
  expect(cube.axes[2]!.grid(20).map((at) => cube.axes[2]!.toValue(at))).toEqual([1, 2, 3, 4]);
  expect(cube.axes[4]!.grid(2).map((at) => cube.axes[4]!.toValue(at))).toEqual([
    'loop',
    'ppo',
    true,
  ]);
  const wide = axisOf('wide', { scale: 'integer', min: 0, max: 100 });
  expect(wide.grid(5).map((at) => wide.toValue(at))).toEqual([0, 25, 50, 75, 100]);
});

test('neighbours are the next values', () => {
  const values = (axis: number, at: number, step: number) =>
    cube.axes[axis]!.neighbours(at, step).map((next) => cube.axes[axis]!.toValue(next));
  expect(values(2, 0.3, 0.01)).toEqual([1, 3]);
  expect(values(2, 0.1, 0.01)).toEqual([2]);
  expect(values(4, 0.5, 0.01)).toEqual(['loop', true]);
  expect(cube.axes[1]!.neighbours(0.95, 0.1)).toEqual([0.95 - 0.1, 1]);
});

test.each<[string, Parameter, RegExp]>([
  ['order', { scale: 'linear', min: 1, max: 1 }, /x: min must be a number below max, got 1 and 1/],
  ['infinite', { scale: 'log', min: 1, max: Infinity }, /below max/],
  ['log of 0', { scale: 'log', min: 0, max: 1 }, /log scale needs min above 0, got 0/],
  ['fraction', { scale: 'integer', min: 0.5, max: 2 }, /whole numbers, got 0.5 and 2/],
  ['power', { scale: 'power-of-two', min: 1, max: 6 }, /powers of two.* got 1 and 6/],
  ['negative power', { scale: 'power-of-two', min: -2, max: 4 }, /powers of two/],
  ['many', { scale: 'integer', min: 0, max: 1e6 }, /at most 10000 values, got 1000001/],
  ['one choice', { scale: 'choice', values: ['a'] }, /at least two/],
  ['twice', { scale: 'choice', values: ['a', 'a'] }, /none twice/],
  ['no list', { scale: 'choice', values: 'ab' as unknown as string[] }, /a list/],
  ['no scale', { scale: 'cubic', min: 0, max: 1 } as unknown as Parameter, /got cubic/],
])('a parameter that is none is refused: %s', (_, parameter, message) => {
  expect(() => cubeOf({ x: parameter })).toThrow(message);
});

test('settings outside the space are refused', () => {
  const good = { rate: 1e-3, weight: 0, updates: 2, k: 4, method: 'ppo' };
  expect(() => cube.toPoint({ ...good, rate: 1 })).toThrow(
    /rate must be a number from 0.00001 to 0.01, got 1/,
  );
  expect(() => cube.toPoint({ ...good, rate: NaN })).toThrow(/rate/);
  expect(() => cube.toPoint({ ...good, weight: '0' })).toThrow(/weight/);
  expect(() => cube.toPoint({ ...good, k: 3 })).toThrow(/k must be one of 2, 4, 8, 16, got 3/);
  expect(() => cube.toPoint({ ...good, method: 'rloo' })).toThrow(/loop, ppo, true, got rloo/);
  expect(() => cube.toPoint({ ...good, extra: 1 })).toThrow(/extra is no key/);
  expect(() => cube.toPoint({ rate: 1e-3 })).toThrow(/weight is missing/);
  expect(() => cubeOf({})).toThrow(/at least one key/);
});
