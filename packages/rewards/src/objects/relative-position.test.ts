import type { Box } from './object-detector';
import { relativePosition } from './relative-position';

const square = (x: number, y: number, side = 100): Box => [x, y, x + side, y + side];
const middle = square(200, 200);

it.each([
  ['left', square(0, 210), 1],
  ['left', square(400, 210), 0],
  ['right', square(400, 210), 1],
  ['right', square(0, 210), 0],
  ['top', square(210, 0), 1],
  ['top', square(210, 400), 0],
  ['bottom', square(210, 400), 1],
  ['bottom', square(210, 0), 0],
  // More below than beside, and exactly as much: neither is to the left.
  ['left', square(100, 350), 0],
  ['left', square(100, 300), 0],
  ['top', square(100, 100), 0],
  ['left', middle, 0],
  // Overlap of 80 × 100 of 120 × 100: IoU 2/3, so 0.1 / (2/3).
  ['left', square(180, 200), 0.15],
  // Overlap of 10 × 100 of 190 × 100: IoU 1/19, below 0.1.
  ['left', square(110, 200), 1],
  ['near', square(340, 500), 1],
  ['near', square(500, 340), 1],
  ['near', square(500, 400), 0.5],
  ['near', square(350, 350), 1],
] as const)('is for %s of a box at %j', (relation, first, expected) => {
  expect(relativePosition(relation, first, middle)).toBeCloseTo(expected, 14);
});
