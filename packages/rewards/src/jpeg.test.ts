import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import sharp from 'sharp';

import type { Image } from './image';
import { jpegCompressibility, jpegIncompressibility, jpegSize } from './jpeg';

interface SizeCase {
  readonly file: string;
  readonly width: number;
  readonly height: number;
  readonly jpegBytes: number;
}

const folder = join(__dirname, 'fixtures');
const { cases } = JSON.parse(readFileSync(join(folder, 'jpeg-sizes.json'), 'utf8')) as {
  cases: SizeCase[];
};

async function readFixture({ file, width, height }: SizeCase): Promise<Image> {
  const { data, info } = await sharp(join(folder, file))
    .toColourspace('srgb')
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  expect(info).toMatchObject({ width, height, channels: 3 });
  return { width, height, data: new Uint8Array(data) };
}

describe('jpegSize', () => {
  it.each(cases)('of $file is Pillow’s, to the byte', async (fixture) => {
    const image = await readFixture(fixture);
    expect(await jpegSize(image)).toBe(fixture.jpegBytes);
    // The same picture as float32 goes through the rounding to bytes first.
    const data = Float32Array.from(image.data, (byte) => byte / 255);
    expect(await jpegSize({ ...image, data })).toBe(fixture.jpegBytes);
  });
});

describe('the JPEG rewards', () => {
  it('are minus and plus the size in thousands of bytes, per image and in order', async () => {
    const chosen = cases.slice(0, 3);
    const batch = {
      images: await Promise.all(chosen.map(readFixture)),
      prompts: chosen.map(() => ''),
    };
    const sizes = chosen.map(({ jpegBytes }) => jpegBytes);
    const up = await jpegIncompressibility().score(batch);
    const down = await jpegCompressibility().score(batch);
    expect(up).toEqual(
      sizes.map((bytes) => ({ ok: true, value: bytes / 1000, components: { bytes } })),
    );
    expect(down).toEqual(
      sizes.map((bytes) => ({ ok: true, value: -bytes / 1000, components: { bytes } })),
    );
  });
});
