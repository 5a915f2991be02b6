import opencv from './fixtures/opencv.json';
import { rectangleCorners, smallestRectangle } from './smallest-rectangle';
import type { Point } from './text-recogniser';

it.each(opencv.rectangles.map((rectangle) => [rectangle.points.length, rectangle] as const))(
  'is what OpenCV finds around %i points',
  (_, { points, centre, sides }) => {
    const found = smallestRectangle(points as unknown as Point[])!;
    // OpenCV turns its rectangles in float32: about 60 · 2⁻²³ a step, of which there are dozens.
    const near = (actual: number, expected: number) =>
      expect(Math.abs(actual - expected)).toBeLessThan(1e-3);
    near(Math.min(found.width, found.height), sides[0]!);
    near(Math.max(found.width, found.height), sides[1]!);
    near(found.centre[0], centre[0]!);
    near(found.centre[1], centre[1]!);
  },
);

it('is nothing for points on one line', () => {
  expect(
    smallestRectangle([
      [0, 0],
      [1, 1],
      [3, 3],
    ]),
  ).toBeUndefined();
  expect(smallestRectangle([[2, 5]])).toBeUndefined();
});

it('names the corners clockwise from the top left', () => {
  const square = { centre: [10, 20], direction: [0, 1], width: 4, height: 8 } as const;
  // Its "width" runs down, so that it is 8 wide and 4 high.
  expect(rectangleCorners(square)).toEqual([
    [6, 18],
    [14, 18],
    [14, 22],
    [6, 22],
  ]);
});
