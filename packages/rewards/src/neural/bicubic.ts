/**
 * Mirrors `Image.resize(size, Image.BICUBIC)` of Pillow 2.7 to 12 for uint8 pictures, to the byte. Pillow 13 resizes the
 * columns first for some sizes, which changes single bytes by up to 8; published scores were all made before it.
 */

const SUPPORT = 2;
/** Pillow's weights are whole numbers with 22 bits behind the point. */
const FRACTION_BITS = 22;
const HALF = 1 << (FRACTION_BITS - 1);

/** Keys' cubic convolution with a = −1/2, the kernel that is also called Catmull-Rom. */
function cubic(x: number): number {
  const distance = Math.abs(x);
  if (distance < 1) return (1.5 * distance - 2.5) * distance * distance + 1;
  if (distance < 2) return ((-0.5 * distance + 2.5) * distance - 4) * distance + 2;
  return 0;
}

interface Taps {
  /** Where each output's first source lies. */
  readonly starts: Int32Array;
  /** How many sources each has. */
  readonly counts: Int32Array;
  /** `[outputs, width]` weights, 2^22 in sum. */
  readonly weights: Int32Array;
  readonly width: number;
}

/**
 * What outputs `first` … `first + count − 1` of a line are made of. Where the line shrinks, the kernel is as many times
 * wider: that is Pillow's antialiasing.
 */
function tapsFor(sourceSize: number, size: number, first: number, count: number): Taps {
  const scale = sourceSize / size;
  const filterScale = Math.max(scale, 1);
  const support = SUPPORT * filterScale;
  const width = Math.ceil(support) * 2 + 1;
  const starts = new Int32Array(count);
  const counts = new Int32Array(count);
  const weights = new Int32Array(count * width);
  const line = new Float64Array(width);
  for (let output = 0; output < count; output++) {
    const centre = (first + output + 0.5) * scale;
    const start = Math.max(0, Math.trunc(centre - support + 0.5));
    const end = Math.min(sourceSize, Math.trunc(centre + support + 0.5));
    let sum = 0;
    for (let tap = 0; tap < end - start; tap++) {
      const weight = cubic((tap + start - centre + 0.5) * (1 / filterScale));
      line[tap] = weight;
      sum += weight;
    }
    starts[output] = start;
    counts[output] = end - start;
    for (let tap = 0; tap < end - start; tap++) {
      const scaled = (line[tap]! / sum) * (1 << FRACTION_BITS);
      weights[output * width + tap] = Math.trunc(scaled + (scaled < 0 ? -0.5 : 0.5));
    }
  }
  return { starts, counts, weights, width };
}

/** A part of the picture that a resize would give. */
export interface ResizedRegion {
  /** Size that the whole picture is resized to. */
  readonly width: number;
  readonly height: number;
  /** The part of it that is wanted; only that is computed. */
  readonly left: number;
  readonly top: number;
  readonly regionWidth: number;
  readonly regionHeight: number;
}

/**
 * A region of a picture resized as Pillow does it: cubic, antialiased, first along the rows and then along the columns,
 * in bytes after each.
 *
 * @param pixels `[height, width, 3]`
 * @returns `[regionHeight, regionWidth, 3]`
 */
export function resizeBicubic(
  pixels: Uint8Array,
  { width, height }: { readonly width: number; readonly height: number },
  region: ResizedRegion,
): Uint8Array {
  const { regionWidth, regionHeight } = region;
  const across = tapsFor(width, region.width, region.left, regionWidth);
  const down = tapsFor(height, region.height, region.top, regionHeight);
  // Rows that no output is made of are not resized.
  const firstRow = down.starts[0]!;
  const lastRow = down.starts[regionHeight - 1]! + down.counts[regionHeight - 1]!;
  // On assignment this array type clamps.
  const rows = new Uint8ClampedArray((lastRow - firstRow) * regionWidth * 3);
  for (let row = firstRow; row < lastRow; row++) {
    for (let column = 0; column < regionWidth; column++) {
      let red = HALF;
      let green = HALF;
      let blue = HALF;
      let source = (row * width + across.starts[column]!) * 3;
      const end = column * across.width + across.counts[column]!;
      for (let tap = column * across.width; tap < end; tap++, source += 3) {
        const weight = across.weights[tap]!;
        red = (red + Math.imul(pixels[source]!, weight)) | 0;
        green = (green + Math.imul(pixels[source + 1]!, weight)) | 0;
        blue = (blue + Math.imul(pixels[source + 2]!, weight)) | 0;
      }
      const target = ((row - firstRow) * regionWidth + column) * 3;
      rows[target] = red >> FRACTION_BITS;
      rows[target + 1] = green >> FRACTION_BITS;
      rows[target + 2] = blue >> FRACTION_BITS;
    }
  }
  const stride = regionWidth * 3;
  // Sums stay within 32 bits: a byte times weights whose positive part is at most 1.3 · 2^22.
  const sums = new Int32Array(stride);
  const result = new Uint8ClampedArray(regionHeight * stride);
  for (let row = 0; row < regionHeight; row++) {
    const start = down.starts[row]! - firstRow;
    const count = down.counts[row]!;
    sums.fill(HALF);
    for (let tap = 0; tap < count; tap++) {
      const weight = down.weights[row * down.width + tap]!;
      const source = (start + tap) * stride;
      for (let offset = 0; offset < stride; offset++) {
        sums[offset] = sums[offset]! + Math.imul(rows[source + offset]!, weight);
      }
    }
    for (let offset = 0; offset < stride; offset++) {
      result[row * stride + offset] = sums[offset]! >> FRACTION_BITS;
    }
  }
  return new Uint8Array(result.buffer);
}
