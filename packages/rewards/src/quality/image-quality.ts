/**
 * What a picture is like, whatever it shows. A policy that has found a trick in its reward rarely keeps all of these where they
 * were: it blurs, oversaturates, goes grey or fills the picture with noise.
 */
import type { Image } from '../image';
import { jpegSize } from '../jpeg';
import { toUint8 } from '../to-uint8';

export interface ImageQuality {
  /**
   * Variance of the Laplacian of the grey picture (Pech-Pacheco et al. 2000): `cv2.Laplacian(grey, CV_64F).var()` of OpenCV.
   * 0 for a flat picture; blur lowers it, noise raises it.
   */
  readonly sharpness: number;
  /** M³ of Hasler and Süsstrunk (2003): 0 for a grey picture, above 100 for an extremely colourful one. */
  readonly colourfulness: number;
  /** Mean of HSV's S, in [0, 1]. */
  readonly saturation: number;
  /** Fraction of the values that are 0 or 255, in [0, 1]. */
  readonly clipped: number;
  /** Bytes a pixel as JPEG at quality 95: how much there is in the picture. */
  readonly jpegBytesPerPixel: number;
}

/**
 * Measures an image in its bytes ({@link toUint8}).
 *
 * @throws {RangeError} when the image has a wrong length or non-finite values
 */
export async function imageQuality(image: Image): Promise<ImageQuality> {
  const bytes = toUint8(image);
  const pixels = image.width * image.height;
  const red = new Moments();
  const blue = new Moments();
  const grey = new Uint8Array(pixels);
  let saturation = 0;
  let clipped = 0;
  for (let pixel = 0; pixel < pixels; pixel += 1) {
    const r = bytes[3 * pixel]!;
    const g = bytes[3 * pixel + 1]!;
    const b = bytes[3 * pixel + 2]!;
    // Eq. 2 and 3 of Hasler and Süsstrunk: red against green, yellow against blue.
    red.add(r - g);
    blue.add((r + g) / 2 - b);
    const most = Math.max(r, g, b);
    if (most > 0) saturation += (most - Math.min(r, g, b)) / most;
    clipped += Number(r % 255 === 0) + Number(g % 255 === 0) + Number(b % 255 === 0);
    // Rec. 601 in 15 bits, as OpenCV rounds it.
    grey[pixel] = (9798 * r + 19235 * g + 3735 * b + 16384) >> 15;
  }
  return {
    sharpness: laplacianVariance(grey, image.width, image.height),
    colourfulness:
      Math.hypot(red.deviation, blue.deviation) + 0.3 * Math.hypot(red.mean, blue.mean),
    saturation: saturation / pixels,
    clipped: clipped / (3 * pixels),
    jpegBytesPerPixel: (await jpegSize(image)) / pixels,
  };
}

/** Of each measure the mean over images; NaN for none. */
export function averageQuality(qualities: readonly ImageQuality[]): ImageQuality {
  const average = (key: keyof ImageQuality): number =>
    qualities.reduce((sum, quality) => sum + quality[key], 0) / qualities.length;
  return {
    sharpness: average('sharpness'),
    colourfulness: average('colourfulness'),
    saturation: average('saturation'),
    clipped: average('clipped'),
    jpegBytesPerPixel: average('jpegBytesPerPixel'),
  };
}

/** Sums of half whole numbers of at most 510: exact in float64. */
class Moments {
  private count = 0;
  private sum = 0;
  private squares = 0;

  add(value: number): void {
    this.count += 1;
    this.sum += value;
    this.squares += value * value;
  }

  get mean(): number {
    return this.sum / this.count;
  }

  get variance(): number {
    return Math.max(0, this.squares / this.count - this.mean ** 2);
  }

  get deviation(): number {
    return Math.sqrt(this.variance);
  }
}

/** Of the kernel [0 1 0; 1 −4 1; 0 1 0], mirrored at the edges without repeating them (OpenCV's default border). */
function laplacianVariance(grey: Uint8Array, width: number, height: number): number {
  const moments = new Moments();
  for (let y = 0; y < height; y += 1) {
    const above = mirror(y - 1, height) * width;
    const below = mirror(y + 1, height) * width;
    const row = y * width;
    for (let x = 0; x < width; x += 1) {
      const left = grey[row + mirror(x - 1, width)]!;
      const right = grey[row + mirror(x + 1, width)]!;
      moments.add(grey[above + x]! + grey[below + x]! + left + right - 4 * grey[row + x]!);
    }
  }
  return moments.variance;
}

function mirror(index: number, length: number): number {
  if (length === 1) return 0;
  if (index < 0) return 1;
  return index < length ? index : length - 2;
}
