import { meanHeight, spentToReach } from './learning-curve';

const curve = [
  { spent: 0, reward: 0 },
  { spent: 10, reward: 1 },
  { spent: 30, reward: 1 },
];

test('the mean height is the area of the trapezoids over the length', () => {
  expect(meanHeight(curve.slice(0, 2))).toBe(0.5);
  expect(meanHeight(curve)).toBeCloseTo(25 / 30, 12);
  expect(meanHeight(curve.slice(0, 1))).toBeNaN();
  expect(meanHeight([])).toBeNaN();
});

test('what it takes to reach a reward is read off between two points', () => {
  expect(spentToReach(curve, 0.25)).toBe(2.5);
  expect(spentToReach(curve, 1)).toBe(10);
  expect(spentToReach(curve, -1)).toBe(0);
  expect(spentToReach(curve, 1.1)).toBeUndefined();
  expect(spentToReach([], 0)).toBeUndefined();
});
