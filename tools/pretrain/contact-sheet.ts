import { encodePng, toUint8, type Image } from '@loop-diffusion/rewards';
import { writeWhole } from './state';

/** Pictures side by side, each pixel as a block of `scale`, on white. */
export function contactSheet(images: readonly Image[], columns = 8, scale = 2, gap = 4): Image {
  const side = Math.max(...images.map((image) => image.width)) * scale;
  const width = columns * (side + gap) + gap;
  const height = Math.ceil(images.length / columns) * (side + gap) + gap;
  const data = new Uint8Array(width * height * 3).fill(255);
  images.forEach((image, index) => {
    const pixels = toUint8(image);
    const left = gap + (index % columns) * (side + gap);
    const top = gap + Math.floor(index / columns) * (side + gap);
    for (let y = 0; y < image.height * scale; y++) {
      for (let x = 0; x < image.width * scale; x++) {
        const source = (Math.floor(y / scale) * image.width + Math.floor(x / scale)) * 3;
        data.set(pixels.subarray(source, source + 3), ((top + y) * width + left + x) * 3);
      }
    }
  });
  return { width, height, data };
}

export async function saveContactSheet(path: string, images: readonly Image[]): Promise<void> {
  writeWhole(path, await encodePng(contactSheet(images)));
}
