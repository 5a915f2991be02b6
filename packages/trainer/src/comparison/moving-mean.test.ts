import { movingMean } from './moving-mean';

test.each([
  [[1, 2, 6, 10], 1, [1, 2, 6, 10]],
  [[1, 3, 5, 10], 2, [1, 2, 4, 7.5]],
  [[1, 3, 5], 10, [1, 2, 3]],
  [[1, Number.NaN, 5], 2, [1, 1, 5]],
  [[Number.NaN, 2], 2, [Number.NaN, 2]],
  [[], 3, []],
])('movingMean(%j, %i)', (values, window, means) => {
  expect(movingMean(values, window)).toEqual(means);
});
