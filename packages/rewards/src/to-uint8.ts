import { assertImage, type Image } from './image';

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
  // On assignment this array type clamps, and rounds halves to even.
  const bytes = new Uint8ClampedArray(data.length);
  for (let index = 0; index < data.length; index++) {
    bytes[index] = Math.fround((data[index] ?? 0) * 255);
  }
  return new Uint8Array(bytes.buffer);
}
