import type { Image } from '../image';

/** Where each place of an axis of `to` pixels lies between two of `from` pixels, centres on centres. */
function axis(from: number, to: number) {
  const low = new Int32Array(to);
  const high = new Int32Array(to);
  const weight = new Float64Array(to);
  for (let index = 0; index < to; index += 1) {
    const place = Math.min(Math.max(((index + 0.5) * from) / to - 0.5, 0), from - 1);
    low[index] = Math.floor(place);
    high[index] = Math.min(low[index]! + 1, from - 1);
    weight[index] = place - low[index]!;
  }
  return { low, high, weight };
}

/**
 * Bilinear without antialiasing, as OpenCV's `INTER_LINEAR`, which the models were trained with.
 *
 * @param bytes `[height, width, 3]`
 * @returns `[toHeight, toWidth, 3]`, in [0, 255], not rounded
 */
export function resizeBilinear(
  bytes: Uint8Array,
  { width, height }: Pick<Image, 'width' | 'height'>,
  toWidth: number,
  toHeight: number,
): Float32Array {
  const resized = new Float32Array(toWidth * toHeight * 3);
  const columns = axis(width, toWidth);
  const rows = axis(height, toHeight);
  let at = 0;
  for (let y = 0; y < toHeight; y += 1) {
    const top = rows.low[y]! * width;
    const bottom = rows.high[y]! * width;
    const down = rows.weight[y]!;
    for (let x = 0; x < toWidth; x += 1) {
      const left = columns.low[x]!;
      const right = columns.high[x]!;
      const across = columns.weight[x]!;
      for (let channel = 0; channel < 3; channel += 1) {
        const above =
          bytes[3 * (top + left) + channel]! * (1 - across) +
          bytes[3 * (top + right) + channel]! * across;
        const below =
          bytes[3 * (bottom + left) + channel]! * (1 - across) +
          bytes[3 * (bottom + right) + channel]! * across;
        resized[at] = above * (1 - down) + below * down;
        at += 1;
      }
    }
  }
  return resized;
}
