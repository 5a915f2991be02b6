import { createReward } from './create-reward';
import type { Image } from './image';
import { jpegCompressibility } from './jpeg';
import { decodePicture, encodePng } from './png';
import { decodeWireImage, encodeWireImage } from './protocol/wire-image';
import { scoreAll } from './score-all';

/** As an install without optional packages has it. */
jest.mock('sharp', () => {
  throw new Error(
    'Could not load the "sharp" module using the linux-x64 runtime\nPossible solutions: …',
  );
});

const image: Image = { width: 1, height: 1, data: Uint8Array.of(1, 2, 3) };
const SENTENCE =
  /^Pictures cannot be encoded or read without sharp and its binary for [\w-]+: npm install --include=optional sharp$/;

test('a missing sharp is one sentence wherever a picture is encoded or read, and nothing before', async () => {
  await expect(encodePng(image)).rejects.toThrow(SENTENCE);
  await expect(decodePicture(image.data as Uint8Array)).rejects.toThrow(SENTENCE);
  await expect(encodeWireImage(image)).rejects.toThrow(SENTENCE);
  const wire = { ...image, bitDepth: 8, channels: 3, bytes: image.data as Uint8Array };
  await expect(decodeWireImage(wire)).rejects.toThrow(SENTENCE);
  await expect(createReward('jpeg-compressibility')).rejects.toThrow(SENTENCE);
  const [result] = await scoreAll(jpegCompressibility(), { images: [image], prompts: [''] });
  expect(result).toMatchObject({
    ok: false,
    message: expect.stringContaining('npm install --include=optional sharp'),
  });
});
