import { textBoxes } from './text-boxes';

/** A map that has a value from (x0, y0) to (x1, y1), both included, and is 0 elsewhere. */
function mapOf(
  size: { width: number; height: number },
  ...areas: readonly (readonly [x0: number, y0: number, x1: number, y1: number, value: number])[]
) {
  const map = new Float32Array(size.width * size.height);
  for (const [x0, y0, x1, y1, value] of areas) {
    for (let y = y0; y <= y1; y += 1) map.fill(value, y * size.width + x0, y * size.width + x1 + 1);
  }
  return map;
}

const size = { width: 100, height: 60 };

it('grows a region by area · 1.5 / perimeter', () => {
  // Pixel centres from 20 to 60 and 20 to 30: 40 by 10, so 400 · 1.5 / 100 = 6 to each side.
  const [box, ...others] = textBoxes(mapOf(size, [20, 20, 60, 30, 0.9]), size, size);
  expect(others).toEqual([]);
  expect(box).toEqual([
    [14, 14],
    [66, 14],
    [66, 36],
    [14, 36],
  ]);
});

it('scales the corners to the picture and keeps them in it', () => {
  const picture = { width: 200, height: 90 };
  const [box] = textBoxes(mapOf(size, [0, 20, 40, 30, 0.9]), size, picture);
  // x from −6 to 46 doubled; y from 14 to 36 by 1.5.
  expect(box).toEqual([
    [0, 21],
    [92, 21],
    [92, 54],
    [0, 54],
  ]);
});

it('keeps what touches only by a corner together', () => {
  const touching = mapOf(size, [20, 20, 59, 29, 0.9], [60, 30, 63, 33, 0.9]);
  expect(textBoxes(touching, size, size)).toHaveLength(1);
  const apart = mapOf(size, [20, 20, 59, 29, 0.9], [61, 30, 64, 33, 0.9]);
  expect(textBoxes(apart, size, size)).toHaveLength(2);
});

it('drops what is thin, faint or not there', () => {
  expect(textBoxes(mapOf(size), size, size)).toEqual([]);
  // Three rows of pixel centres are 2 apart, four are 3.
  expect(textBoxes(mapOf(size, [20, 20, 60, 22, 0.9]), size, size)).toHaveLength(0);
  expect(textBoxes(mapOf(size, [20, 20, 60, 23, 0.9]), size, size)).toHaveLength(1);
  expect(textBoxes(mapOf(size, [20, 20, 60, 30, 0.59]), size, size)).toHaveLength(0);
  expect(textBoxes(mapOf(size, [20, 20, 60, 30, 0.61]), size, size)).toHaveLength(1);
});

it('finds the direction of a slanted region', () => {
  const map = new Float32Array(100 * 100);
  // A band of half-width 6 and half-length 30 around (50, 50), turned by atan(3/4).
  for (let y = 0; y < 100; y += 1) {
    for (let x = 0; x < 100; x += 1) {
      const along = 0.8 * (x - 50) + 0.6 * (y - 50);
      const across = 0.8 * (y - 50) - 0.6 * (x - 50);
      if (Math.abs(along) <= 30 && Math.abs(across) <= 6) map[y * 100 + x] = 1;
    }
  }
  const square = { width: 100, height: 100 };
  const [topLeft, topRight] = textBoxes(map, square, square)[0]!;
  const slope = (topRight[1] - topLeft[1]) / (topRight[0] - topLeft[0]);
  // Corners on whole pixels over a length of about 75: 1/75 on either side.
  expect(Math.abs(slope - 0.75)).toBeLessThan(0.03);
});
