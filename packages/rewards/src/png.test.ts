import sharp from 'sharp';

import { encodePng } from './png';

describe('encodePng', () => {
  it('is lossless and RGB without alpha', async () => {
    const data = Uint8Array.from({ length: 5 * 3 * 3 }, (_, index) => (index * 37) % 256);
    const png = await encodePng({ width: 5, height: 3, data });
    const { data: pixels, info } = await sharp(png).raw().toBuffer({ resolveWithObject: true });
    expect(info).toMatchObject({ width: 5, height: 3, channels: 3 });
    expect([...pixels]).toEqual([...data]);
  });
});
