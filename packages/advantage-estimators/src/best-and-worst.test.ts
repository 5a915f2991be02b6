import { bestAndWorst } from './best-and-worst';

test('the best and the worst of each prompt', () => {
  expect(
    bestAndWorst([
      [0.2, 0.5, 0.9, 0.4],
      [3, -1, 2, 0],
    ]),
  ).toEqual([
    [-1, 0, 1, 0],
    [1, -1, 0, 0],
  ]);
});

test('of equals the first', () => {
  expect(bestAndWorst([[1, 2, 1, 2]])).toEqual([[-1, 1, 0, 0]]);
});

test('no pair among equals, nor of one', () => {
  expect(bestAndWorst([[2, 2]])).toEqual([[0, 0]]);
  const mask = [
    [true, false],
    [false, false],
  ];
  expect(
    bestAndWorst(
      [
        [1, 2],
        [1, 2],
      ],
      mask,
    ),
  ).toEqual([
    [0, 0],
    [0, 0],
  ]);
});

test('a masked reward is neither, whatever stands there', () => {
  expect(bestAndWorst([[9, 1, NaN, 2, 1]], [[false, true, false, true, true]])).toEqual([
    [0, -1, 0, 1, 0],
  ]);
});
