import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import sharp from 'sharp';

import { decodePicture } from '../png';
import { toUint8 } from '../to-uint8';
import { decodeWireImage, encodeWireImage, openWireImage, type WirePicture } from './wire-image';

const FIXTURES = join(__dirname, '..', 'fixtures');

function opened(text: string): WirePicture {
  const picture = openWireImage(text);
  if (typeof picture === 'string') throw new Error(picture);
  return picture;
}

it('gives every byte back, of bytes and of floats', async () => {
  const data = Float32Array.from({ length: 33 * 7 * 3 }, (_, index) => ((index * 193) % 691) / 690);
  const image = { width: 33, height: 7, data };
  const back = await decodeWireImage(opened(await encodeWireImage(image)));
  expect(back).toEqual({ width: 33, height: 7, data: toUint8(image) });
  const again = await decodeWireImage(opened(await encodeWireImage(back)));
  expect(again).toEqual(back);
});

it.each(['noise-64x64.png', 'row-33x1.png', 'smooth-97x61.png'])(
  'reads Pillow’s %s',
  async (file) => {
    const bytes = readFileSync(join(FIXTURES, file));
    const image = await decodeWireImage(opened(bytes.toString('base64')));
    expect(image).toEqual(await decodePicture(bytes));
  },
);

it('makes RGB of grey with transparency, and leaves the bytes of a picture with a colour profile alone', async () => {
  const grey = sharp(Uint8Array.of(9, 255), { raw: { width: 1, height: 1, channels: 2 } });
  const text = (await grey.png().toBuffer()).toString('base64');
  expect([...(await decodeWireImage(opened(text))).data]).toEqual([9, 9, 9]);

  const data = Uint8Array.of(200, 30, 90);
  const profiled = sharp(data, { raw: { width: 1, height: 1, channels: 3 } })
    .withIccProfile('p3')
    .png();
  const written = opened((await profiled.toBuffer()).toString('base64'));
  const { data: stored } = await sharp(written.bytes, { ignoreIcc: true })
    .raw()
    .toBuffer({ resolveWithObject: true });
  expect(stored).not.toEqual(Buffer.from(data)); // the file holds values of the other colour space
  expect([...(await decodeWireImage(written)).data]).toEqual([...stored]);
});

it('tells what is no PNG from its first bytes', async () => {
  const raw = { raw: { width: 2, height: 2, channels: 3 } } as const;
  const pixels = sharp(new Uint8Array(12), raw);
  const jpeg = (await pixels.clone().jpeg().toBuffer()).toString('base64');
  const png = (await pixels.clone().png().toBuffer()).toString('base64');
  const deep = await pixels.clone().toColourspace('rgb16').png().toBuffer();
  expect(openWireImage(jpeg)).toBe('it is not a PNG file');
  expect(openWireImage('')).toBe('it is not a PNG file');
  expect(openWireImage(`data:image/png;base64,${png}`)).toMatch(/not base64/);
  expect(openWireImage(png.slice(0, -1))).toMatch(/not base64/);
  expect(openWireImage(png.slice(0, 24))).toBe('it is not a PNG file');
  expect(openWireImage(deep.toString('base64'))).toMatch(/16 bits per channel/);
  expect(openWireImage(png)).toMatchObject({ width: 2, height: 2, bitDepth: 8 });
});

it('refuses to unpack a damaged file', async () => {
  const file = readFileSync(join(FIXTURES, 'noise-64x64.png'));
  const cut = [0.2, 0.5, 0.9].map((share) => file.subarray(0, Math.floor(file.length * share)));
  const flipped = [0.3, 0.6].map((share) => {
    const copy = Buffer.from(file);
    const at = Math.floor(file.length * share);
    copy[at] = (copy[at] ?? 0) ^ 0xff;
    return copy;
  });
  for (const damaged of [...cut, ...flipped]) {
    await expect(decodeWireImage(opened(damaged.toString('base64')))).rejects.toThrow();
  }
});
