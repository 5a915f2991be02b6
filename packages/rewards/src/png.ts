import sharp from 'sharp';

import type { Image } from './image';
import { toUint8 } from './to-uint8';

/**
 * The image as a PNG file, lossless in its bytes ({@link toUint8}).
 *
 * @throws {RangeError} when the image has a wrong length or non-finite values
 */
export async function encodePng(image: Image): Promise<Buffer> {
  const { width, height } = image;
  return sharp(toUint8(image), { raw: { width, height, channels: 3 } })
    .png()
    .toBuffer();
}
