import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import type { Image } from '../image';
import { jpegSize } from '../jpeg';
import { decodePicture } from '../png';
import { averageQuality, imageQuality } from './image-quality';

const FIXTURES = join(__dirname, '../fixtures');
const golden = JSON.parse(readFileSync(join(FIXTURES, 'image-quality.json'), 'utf8')) as Record<
  string,
  Record<'sharpness' | 'colourfulness' | 'saturation' | 'clipped', number>
>;

/** One colour after the other, in a row. */
function stripes(...colours: [number, number, number][]): Image {
  return { width: colours.length, height: 1, data: Uint8Array.from(colours.flat()) };
}

describe('imageQuality', () => {
  test.each(Object.entries(golden))('measures %s as Python does', async (file, expected) => {
    const image = await decodePicture(readFileSync(join(FIXTURES, file)));
    const { jpegBytesPerPixel, ...measured } = await imageQuality(image);
    for (const [key, value] of Object.entries(expected)) {
      // Both are float64; the order of sums differs.
      const difference = Math.abs(measured[key as keyof typeof measured] - value);
      expect(difference).toBeLessThanOrEqual(1e-10 * Math.max(1, value));
    }
    expect(jpegBytesPerPixel).toBe((await jpegSize(image)) / (image.width * image.height));
  });

  test('has the values of the definitions', async () => {
    const grey = await imageQuality(stripes([100, 100, 100], [100, 100, 100]));
    expect(grey).toMatchObject({ sharpness: 0, colourfulness: 0, saturation: 0, clipped: 0 });
    const red = await imageQuality(stripes([255, 0, 0], [255, 0, 0]));
    // No spread; the means are 255 and 127.5.
    expect(red.colourfulness).toBeCloseTo(0.3 * Math.hypot(255, 127.5), 10);
    expect(red).toMatchObject({ saturation: 1, clipped: 1 });
    // Of two columns each mirrors the other: Laplacians of ±510.
    expect((await imageQuality(stripes([0, 0, 0], [255, 255, 255]))).sharpness).toBe(510 ** 2);
  });

  test('sees floats as the bytes that they round to', async () => {
    const bytes = stripes([10, 20, 30], [200, 100, 0]);
    const floats = { ...bytes, data: Float32Array.from(bytes.data, (byte) => byte / 255) };
    expect(await imageQuality(floats)).toEqual(await imageQuality(bytes));
  });

  test('refuses what is no picture', async () => {
    await expect(imageQuality({ width: 1, height: 1, data: new Uint8Array(2) })).rejects.toThrow(
      'The image cannot be used',
    );
  });
});

test('averageQuality is the mean of each measure', async () => {
  const one = await imageQuality(stripes([0, 0, 0], [255, 255, 255]));
  const other = await imageQuality(stripes([90, 90, 90], [90, 90, 90]));
  expect(averageQuality([one, other])).toMatchObject({ sharpness: 510 ** 2 / 2, clipped: 0.5 });
  expect(averageQuality([]).sharpness).toBeNaN();
});
