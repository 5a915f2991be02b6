import { aboveMinimum } from './above-minimum';

test('the distance from the least valid reward of the prompt', () => {
  const rewards = [
    [-2, 1, 3],
    [5, 5, 5],
    [-9, 4, 6],
    [7, 8, 9],
  ];
  const mask = [
    [true, true, true],
    [true, true, true],
    [false, true, true],
    [false, false, false],
  ];
  expect(aboveMinimum(rewards, mask)).toEqual([
    [0, 3, 5],
    [0, 0, 0],
    [0, 0, 2],
    [0, 0, 0],
  ]);
});
