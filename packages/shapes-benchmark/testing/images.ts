import type { Image } from '@loop-diffusion/rewards';

import { CANVAS_SIZE } from '../src/palette';
import { parsePrompt } from '../src/prompt';
import { renderScene } from '../src/renderer';

// Looked up once: a global costs much more inside the sandbox that tests run in.
const { cos, exp, imul, log, max, min, PI, sqrt } = Math;

/** Uniform in [0, 1), the same for a seed; for tests only. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (imul(state, 1664525) + 1013904223) >>> 0;
    // The low bits of this generator repeat soon, the high ones are good enough to test with.
    return (state >>> 8) / 2 ** 24;
  };
}

export function render(prompt: string, random: () => number): Image {
  return renderScene(parsePrompt(prompt), random).image;
}

/** A picture of one colour. */
export function flatImage(red: number, green: number, blue: number): Image {
  const rgb = [red, green, blue];
  const length = CANVAS_SIZE * CANVAS_SIZE * 3;
  const data = Float32Array.from({ length }, (_, index) => rgb[index % 3] ?? 0);
  return { width: CANVAS_SIZE, height: CANVAS_SIZE, data };
}

/** Gaussian blur, the edge repeated beyond the canvas. */
export function blur(image: Image, sigma: number): Image {
  if (sigma === 0) return image;
  const reach = Math.ceil(3 * sigma);
  const weights = Array.from({ length: 2 * reach + 1 }, (_, i) =>
    exp(-((i - reach) ** 2) / (2 * sigma * sigma)),
  );
  const sum = weights.reduce((total, weight) => total + weight, 0);
  const last = CANVAS_SIZE - 1;
  const clamp = (value: number) => (value < 0 ? 0 : value > last ? last : value);
  const pass = (source: ArrayLike<number>, horizontal: boolean) => {
    const result = new Float32Array(source.length);
    for (let row = 0; row < CANVAS_SIZE; row++) {
      for (let column = 0; column < CANVAS_SIZE; column++) {
        for (let channel = 0; channel < 3; channel++) {
          let value = 0;
          for (let i = -reach; i <= reach; i++) {
            const y = horizontal ? row : clamp(row + i);
            const x = horizontal ? clamp(column + i) : column;
            value += (weights[i + reach] ?? 0) * (source[(y * CANVAS_SIZE + x) * 3 + channel] ?? 0);
          }
          result[(row * CANVAS_SIZE + column) * 3 + channel] = value / sum;
        }
      }
    }
    return result;
  };
  return { ...image, data: pass(pass(image.data, true), false) };
}

/** Adds Gaussian noise and clips to [0, 1]. */
export function addNoise(image: Image, sigma: number, random: () => number): Image {
  const data = Float32Array.from(image.data, (value) => {
    const normal = sqrt(-2 * log(1 - random())) * cos(2 * PI * random());
    return min(1, max(0, value + sigma * normal));
  });
  return { ...image, data };
}
