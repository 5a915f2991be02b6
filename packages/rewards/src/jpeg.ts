import type { Image } from './image';
import { loadSharp } from './load-sharp';
import type { Reward, RewardBatch, RewardResult } from './reward';
import { toUint8 } from './to-uint8';

/**
 * libjpeg's own defaults, which Pillow keeps and sharp changes: without these the sizes differ by
 * 14 to 62 %.
 */
const LIBJPEG_DEFAULTS = {
  quality: 95,
  chromaSubsampling: '4:2:0',
  optimiseCoding: false,
  mozjpeg: false,
  progressive: false,
} as const;

/** The JFIF header (marker, length and 14 bytes) that Pillow writes and sharp leaves out. */
const JFIF_HEADER_BYTES = 18;

/**
 * Size in bytes of the image as JPEG at quality 95: what `PIL.Image.save(buffer, 'JPEG',
 * quality=95)` writes, to the byte.
 *
 * @throws {RangeError} when the image has a wrong length or non-finite values
 * @throws {Error} where sharp is missing
 */
export async function jpegSize(image: Image): Promise<number> {
  const bytes = toUint8(image);
  const { width, height } = image;
  const sharp = await loadSharp();
  const encoded = await sharp(bytes, { raw: { width, height, channels: 3 } })
    .jpeg(LIBJPEG_DEFAULTS)
    .toBuffer();
  return encoded.length + JFIF_HEADER_BYTES;
}

async function scoreSizes({ images }: RewardBatch, sign: 1 | -1): Promise<RewardResult[]> {
  const sizes = await Promise.all(images.map(jpegSize));
  return sizes.map((size) => ({
    ok: true,
    value: (sign * size) / 1000,
    components: { bytes: size },
  }));
}

/**
 * Minus the size of the image as JPEG at quality 95, in kilobytes (bytes / 1000): the more it can
 * be compressed, the better. DDPO (Black et al. 2023), section 5.1. The prompt plays no part.
 */
export function jpegCompressibility(): Reward {
  return {
    name: 'jpeg-compressibility',
    version: '1',
    range: [-Infinity, 0],
    batchSize: 16,
    score: (batch) => scoreSizes(batch, -1),
  };
}

/** The size itself in kilobytes, the opposite of {@link jpegCompressibility}. */
export function jpegIncompressibility(): Reward {
  return {
    name: 'jpeg-incompressibility',
    version: '1',
    range: [0, Infinity],
    batchSize: 16,
    score: (batch) => scoreSizes(batch, 1),
  };
}
