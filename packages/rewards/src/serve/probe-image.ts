import type { Image } from '../image';

/** What a reward is asked at the start, so that a client can see whether it still gives the same answer. */
export const PROBE_PROMPT = 'a red circle left of a blue square';

const SIZE = 64;

/** A grey picture with a red disc on the left and a blue square on the right, shaded so that no two rows are alike. */
export function probeImage(): Image {
  const data = new Uint8Array(SIZE * SIZE * 3);
  for (let y = 0; y < SIZE; y++) {
    for (let x = 0; x < SIZE; x++) {
      const [red, green, blue] = colourAt(x, y);
      data.set([red + (y >> 1), green + (y >> 1), blue + (y >> 1)], (y * SIZE + x) * 3);
    }
  }
  return { width: SIZE, height: SIZE, data };
}

function colourAt(x: number, y: number): [number, number, number] {
  if ((x - 17) ** 2 + (y - 32) ** 2 < 11 ** 2) return [200, 20, 20];
  if (Math.abs(x - 47) < 10 && Math.abs(y - 32) < 10) return [20, 20, 200];
  return [200, 200, 200];
}
