import type { Image } from '../image';
import type { Point, Quadrilateral } from './text-recogniser';

const distance = (a: Point, b: Point) => Math.hypot(a[0] - b[0], a[1] - b[1]);

/** A picture in bytes. */
export interface ByteImage extends Image {
  readonly data: Uint8Array;
}

/** Turned by 90° against the clock. */
function turned({ width, height, data }: ByteImage): ByteImage {
  const bytes = new Uint8Array(data.length);
  for (let y = 0; y < width; y += 1) {
    for (let x = 0; x < height; x += 1) {
      const from = 3 * (x * width + (width - 1 - y));
      bytes.set(data.subarray(from, from + 3), 3 * (y * height + x));
    }
  }
  return { width: height, height: width, data: bytes };
}

/**
 * What is inside four corners, made upright: bilinear, the edge repeated outside of the picture.
 * Something at least one and a half times as high as wide is taken for a line that runs upwards or
 * downwards and turned against the clock, as PaddleOCR does.
 *
 * @returns nothing where the corners hold no pixel
 */
export function cutOut(image: ByteImage, corners: Quadrilateral): ByteImage | undefined {
  const [topLeft, topRight, bottomRight, bottomLeft] = corners;
  const width = Math.trunc(
    Math.max(distance(topLeft, topRight), distance(bottomLeft, bottomRight)),
  );
  const height = Math.trunc(
    Math.max(distance(topLeft, bottomLeft), distance(topRight, bottomRight)),
  );
  if (width < 1 || height < 1) return undefined;
  const data = new Uint8Array(width * height * 3);
  const place = (axis: 0 | 1, u: number, v: number) =>
    (1 - v) * ((1 - u) * topLeft[axis] + u * topRight[axis]) +
    v * ((1 - u) * bottomLeft[axis] + u * bottomRight[axis]);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const across = Math.min(Math.max(place(0, x / width, y / height), 0), image.width - 1);
      const down = Math.min(Math.max(place(1, x / width, y / height), 0), image.height - 1);
      const [left, top] = [Math.floor(across), Math.floor(down)];
      const right = Math.min(left + 1, image.width - 1);
      const bottom = Math.min(top + 1, image.height - 1);
      const at = (row: number, column: number, channel: number) =>
        image.data[3 * (row * image.width + column) + channel]!;
      for (let channel = 0; channel < 3; channel += 1) {
        const above =
          at(top, left, channel) * (1 - (across - left)) +
          at(top, right, channel) * (across - left);
        const below =
          at(bottom, left, channel) * (1 - (across - left)) +
          at(bottom, right, channel) * (across - left);
        data[3 * (y * width + x) + channel] = Math.round(
          above * (1 - (down - top)) + below * (down - top),
        );
      }
    }
  }
  const upright = { width, height, data };
  return height >= 1.5 * width ? turned(upright) : upright;
}
