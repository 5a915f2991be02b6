import { assertImage, type Image } from './image';

/** Rounds to the nearest whole number, halves to the even one, as NumPy and PyTorch do. */
function roundHalfToEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest < 0.5) return floor;
  if (rest > 0.5) return floor + 1;
  return floor % 2 === 0 ? floor : floor + 1;
}

/**
 * The picture in bytes: round(x · 255), clamped to [0, 255].
 *
 * The product is rounded to float32 and its halves to the even byte, so that the bytes are those of
 * `(x * 255).round()` in NumPy and PyTorch. A uint8 image is returned as it is, not copied.
 *
 * @returns `[height, width, 3]`, row-major
 * @throws {RangeError} when the image has a wrong length or non-finite values
 */
export function toUint8(image: Image): Uint8Array {
  assertImage(image);
  const { data } = image;
  if (data instanceof Uint8Array) return data;
  // Clamping to [0, 255] is what this array type does on assignment.
  const bytes = new Uint8ClampedArray(data.length);
  for (const [index, value] of data.entries()) {
    bytes[index] = roundHalfToEven(Math.fround(value * 255));
  }
  return new Uint8Array(bytes.buffer);
}
