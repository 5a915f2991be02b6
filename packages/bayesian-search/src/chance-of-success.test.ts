import { chanceOfSuccess } from './chance-of-success';

const ordered = [true, true];
const points = [
  [0.1, 0.5],
  [0.5, 0.5],
  [0.9, 0.5],
  [0.95, 0.6],
];

test('where nothing failed all will go well', () => {
  expect(chanceOfSuccess(points, [false, false, false, false], ordered)([0.3, 0.3])).toBe(1);
});

test('little beside failures, more beside successes, all far away', () => {
  const chance = chanceOfSuccess(points, [false, false, true, true], ordered);
  expect(chance([0.92, 0.55])).toBeLessThan(0.1);
  expect(chance([0.5, 0.5])).toBeGreaterThan(0.8);
  expect(chance([0.1, 0.5])).toBeGreaterThan(0.95);
  expect(chance([0.92, 0.55])).toBeGreaterThan(0);
});

test('one failure among successes may be bad luck', () => {
  const place = [0.5, 0.5];
  const runs = [place, place, place, place];
  const chance = chanceOfSuccess(runs, [true, false, false, false], ordered);
  expect(chance(place)).toBeGreaterThan(0.7);
});
