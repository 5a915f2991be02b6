import type { Image } from './image';
import { loadSharp } from './load-sharp';
import { toUint8 } from './to-uint8';

/**
 * The image as a PNG file, lossless in its bytes ({@link toUint8}).
 *
 * @throws {RangeError} when the image has a wrong length or non-finite values
 * @throws {Error} where sharp is missing
 */
export async function encodePng(image: Image): Promise<Buffer> {
  const { width, height } = image;
  const bytes = toUint8(image);
  const sharp = await loadSharp();
  return sharp(bytes, { raw: { width, height, channels: 3 } })
    .png()
    .toBuffer();
}

/** Larger pictures are refused before they are unpacked: 16384 × 16384. */
const MAXIMUM_PIXELS = 2 ** 28;

/**
 * A picture file as bytes, whatever its format and colour space; what was transparent is dropped.
 *
 * @throws {Error} when it is damaged, no picture, or of more than 2²⁸ pixels, or where sharp is missing
 */
export async function decodePicture(bytes: Uint8Array): Promise<Image> {
  const sharp = await loadSharp();
  const { data, info } = await sharp(bytes, { limitInputPixels: MAXIMUM_PIXELS, failOn: 'warning' })
    .toColourspace('srgb')
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  return { width: info.width, height: info.height, data: new Uint8Array(data) };
}
