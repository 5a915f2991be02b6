/** Images for tests of the server and its client. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import type { Image } from '../../image';
import { decodePicture } from '../../png';

const FIXTURES = join(__dirname, '..', '..', 'fixtures');

/** The pictures that Pillow wrote, of which the JPEG sizes are known. */
export async function fixtureImages(): Promise<{ image: Image; jpegBytes: number }[]> {
  const sizes = JSON.parse(readFileSync(join(FIXTURES, 'jpeg-sizes.json'), 'utf8')) as {
    cases: { file: string; jpegBytes: number }[];
  };
  return Promise.all(
    sizes.cases.map(async ({ file, jpegBytes }) => ({
      image: await decodePicture(readFileSync(join(FIXTURES, file))),
      jpegBytes,
    })),
  );
}

/** Numbers in [0, 1), the same for the same seed (Mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export function randomImage(width: number, height: number, random: () => number): Image {
  return { width, height, data: Float32Array.from({ length: width * height * 3 }, random) };
}

/** One pixel that holds a number below 2²⁴, which {@link numberIn} reads. */
export function numberedImage(number: number): Image {
  const data = Uint8Array.of(number >> 16, (number >> 8) & 255, number & 255);
  return { width: 1, height: 1, data };
}

export function numberIn({ data }: Image): number {
  return ((data[0] ?? 0) << 16) | ((data[1] ?? 0) << 8) | (data[2] ?? 0);
}
