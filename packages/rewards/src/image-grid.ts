import type { Image } from './image';
import { toUint8 } from './to-uint8';

export interface ImageGridOptions {
  /** Pixels between images and around the grid; 2 unless told. */
  readonly gap?: number;
  /** RGB bytes between the images; white unless told. */
  readonly background?: readonly [number, number, number];
  /** Each pixel becomes this many in width and height; 1 unless told. */
  readonly scale?: number;
}

function assertWhole(name: string, value: number, least: number): void {
  if (!Number.isSafeInteger(value) || value < least) {
    throw new RangeError(`${name} is ${value}; expected a whole number of at least ${least}.`);
  }
}

/**
 * Lays images of one size out in rows, left to right and top to bottom, as one picture. The last
 * row may stay short.
 *
 * @param columns images in a row, at least 1
 * @returns a uint8 image
 * @throws {RangeError} when there are no images, their sizes differ, or a number is out of range
 */
export function imageGrid(
  images: readonly Image[],
  columns: number,
  { gap = 2, background = [255, 255, 255], scale = 1 }: ImageGridOptions = {},
): Image {
  assertWhole('columns', columns, 1);
  assertWhole('gap', gap, 0);
  assertWhole('scale', scale, 1);
  const [first] = images;
  if (first === undefined) throw new RangeError('A grid needs at least one image.');
  const { width, height } = first;
  const across = Math.min(columns, images.length);
  const down = Math.ceil(images.length / columns);
  const gridWidth = gap + across * (width * scale + gap);
  const gridHeight = gap + down * (height * scale + gap);
  const data = new Uint8Array(gridWidth * gridHeight * 3);
  for (let index = 0; index < data.length; index++) data[index] = background[index % 3] ?? 0;
  for (const [index, image] of images.entries()) {
    if (image.width !== width || image.height !== height) {
      throw new RangeError(
        `Image ${index} is ${image.width}×${image.height}, the first one ${width}×${height}; ` +
          'a grid takes images of one size.',
      );
    }
    const bytes = toUint8(image);
    const left = gap + (index % columns) * (width * scale + gap);
    const top = gap + Math.floor(index / columns) * (height * scale + gap);
    for (let y = 0; y < height * scale; y++) {
      for (let x = 0; x < width * scale; x++) {
        const source = (Math.floor(y / scale) * width + Math.floor(x / scale)) * 3;
        const target = ((top + y) * gridWidth + left + x) * 3;
        for (let channel = 0; channel < 3; channel++) {
          data[target + channel] = bytes[source + channel] ?? 0;
        }
      }
    }
  }
  return { width: gridWidth, height: gridHeight, data };
}
