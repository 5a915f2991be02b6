import { unitsOf } from './units';

const NONE = Number.NaN;

test('images that are learnt from stand alone, numbered over all prompts', () => {
  expect(
    unitsOf(
      [
        [1, NONE, 0],
        [NONE, NONE, -1],
      ],
      false,
    ),
  ).toEqual([[0], [2], [5]]);
});

test('of pairs the better image comes first, and prompts without one are left out', () => {
  const pairs = [
    [NONE, -1, 1],
    [NONE, NONE, NONE],
    [1, NONE, -1],
  ];
  expect(unitsOf(pairs, true)).toEqual([
    [2, 1],
    [6, 8],
  ]);
});

test('what is no pair is refused', () => {
  expect(() => unitsOf([[1, 1, NONE]], true)).toThrow('gave 1, 1, NaN');
  expect(() => unitsOf([[1, -1, 0]], true)).toThrow('another -1 and the others NaN');
});
