import { readingOrder } from './reading-order';
import type { Quadrilateral } from './text-recogniser';

const box = (name: string, x: number, y: number, width: number, height: number) => {
  const corners: Quadrilateral = [
    [x, y],
    [x + width, y],
    [x + width, y + height],
    [x, y + height],
  ];
  return { name, corners };
};
const names = (boxes: readonly { name: string }[]) => boxes.map(({ name }) => name);

it('goes down the lines, and along each from left to right', () => {
  const boxes = [
    box('six', 60, 85, 30, 20),
    box('two', 50, 4, 30, 20),
    box('three', 100, 0, 30, 20),
    box('one', 0, 3, 30, 20),
    box('four', 10, 40, 80, 20),
    box('five', 0, 80, 30, 20),
  ];
  expect(names(readingOrder(boxes))).toEqual(['one', 'two', 'three', 'four', 'five', 'six']);
});

it('tells lines apart that are closer than ten pixels', () => {
  const boxes = [box('below', 0, 9, 30, 8), box('above', 20, 0, 30, 8)];
  expect(names(readingOrder(boxes))).toEqual(['above', 'below']);
});

it('keeps a low box on the line of a high one', () => {
  const boxes = [box('right', 90, 40, 20, 20), box('left', 0, 0, 80, 80)];
  expect(names(readingOrder(boxes))).toEqual(['left', 'right']);
});
