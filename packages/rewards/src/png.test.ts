import sharp from 'sharp';

import { decodePicture, encodePng } from './png';

describe('encodePng', () => {
  it('is lossless and RGB without alpha', async () => {
    const data = Uint8Array.from({ length: 5 * 3 * 3 }, (_, index) => (index * 37) % 256);
    const png = await encodePng({ width: 5, height: 3, data });
    const { data: pixels, info } = await sharp(png).raw().toBuffer({ resolveWithObject: true });
    expect(info).toMatchObject({ width: 5, height: 3, channels: 3 });
    expect([...pixels]).toEqual([...data]);
  });
});

describe('decodePicture', () => {
  it('gives back what was encoded', async () => {
    const image = { width: 2, height: 1, data: Uint8Array.of(0, 127, 255, 1, 2, 3) };
    expect(await decodePicture(await encodePng(image))).toEqual(image);
  });

  it('makes RGB of a grey picture with transparency', async () => {
    const grey = sharp(Uint8Array.of(9, 255), { raw: { width: 1, height: 1, channels: 2 } });
    const { data } = await decodePicture(await grey.png().toBuffer());
    expect([...data]).toEqual([9, 9, 9]);
  });

  it('refuses what is damaged, no picture, or a bomb', async () => {
    const data = new Uint8Array(64 * 64 * 3).map((_, index) => (index * 7919) % 251);
    const png = await encodePng({ width: 64, height: 64, data });
    await expect(decodePicture(png.subarray(0, png.length / 2))).rejects.toThrow();
    await expect(decodePicture(Buffer.from('no picture'))).rejects.toThrow('unsupported');
    // The size stands in the file's head, whose checksum libpng looks at first: an SVG has none.
    const bomb = '<svg xmlns="http://www.w3.org/2000/svg" width="20000" height="20000"/>';
    await expect(decodePicture(Buffer.from(bomb))).rejects.toThrow(/pixel limit/i);
  });
});
