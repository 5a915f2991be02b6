import { cutOut } from './cut-out';

const image = {
  width: 6,
  height: 5,
  data: Uint8Array.from({ length: 90 }, (_, index) => (index * 37) % 256),
};
const pixel = (x: number, y: number) => [
  ...image.data.subarray(3 * (6 * y + x), 3 * (6 * y + x) + 3),
];

it('copies the pixels of an upright box', () => {
  const cut = cutOut(image, [
    [1, 2],
    [5, 2],
    [5, 5],
    [1, 5],
  ])!;
  expect([cut.width, cut.height]).toEqual([4, 3]);
  const expected = [2, 3, 4].flatMap((y) => [1, 2, 3, 4].flatMap((x) => pixel(x, y)));
  expect([...cut.data]).toEqual(expected);
});

it('turns what is high against the clock', () => {
  const cut = cutOut(image, [
    [1, 0],
    [3, 0],
    [3, 4],
    [1, 4],
  ])!;
  expect([cut.width, cut.height]).toEqual([4, 2]);
  // The right column becomes the upper row, from the top to the left.
  const expected = [2, 1].flatMap((x) => [0, 1, 2, 3].flatMap((y) => pixel(x, y)));
  expect([...cut.data]).toEqual(expected);
});

it('makes a slanted box upright', () => {
  // A ramp: the value is 10 · x + 20 · y, which bilinear sampling keeps.
  const ramp = { width: 12, height: 12, data: new Uint8Array(12 * 12 * 3) };
  for (let y = 0; y < 12; y += 1) {
    for (let x = 0; x < 12; x += 1)
      ramp.data.fill(10 * x + 5 * y, 3 * (12 * y + x), 3 * (12 * y + x) + 3);
  }
  // From (4, 1) along (0.8, 0.6) for 5 pixels and along (−0.6, 0.8) for 5.
  const cut = cutOut(ramp, [
    [4, 1],
    [8, 4],
    [5, 8],
    [1, 5],
  ])!;
  expect([cut.width, cut.height]).toEqual([5, 5]);
  for (let y = 0; y < 5; y += 1) {
    for (let x = 0; x < 5; x += 1) {
      const expected = 10 * (4 + 0.8 * x - 0.6 * y) + 5 * (1 + 0.6 * x + 0.8 * y);
      // Rounded to a byte.
      expect(Math.abs(cut.data[3 * (5 * y + x)]! - expected)).toBeLessThanOrEqual(0.5 + 1e-9);
    }
  }
});

it('repeats the edge outside of the picture', () => {
  const cut = cutOut(image, [
    [4, 3],
    [8, 3],
    [8, 6],
    [4, 6],
  ])!;
  expect([...cut.data.subarray(0, 12)]).toEqual([4, 5, 5, 5].flatMap((x) => pixel(x, 3)));
});

it('is nothing where there is no pixel', () => {
  expect(
    cutOut(image, [
      [2, 2],
      [2.5, 2],
      [2.5, 4],
      [2, 4],
    ]),
  ).toBeUndefined();
});
