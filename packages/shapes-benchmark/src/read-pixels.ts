import type { Image } from '@loop-diffusion/rewards';

import { CANVAS_SIZE, COLOURS, GROUND, LIGHT_TONES, type Rgb, SOLID_TONES } from './palette';

/** Label of a pixel that is nearer to the ground than to any colour. */
export const GROUND_LABEL = -1;
/** Label of a pixel that is near nothing of this world. */
export const UNKNOWN_LABEL = -2;

export const PIXEL_COUNT = CANVAS_SIZE * CANVAS_SIZE;

/** A pixel this near to the ground needs no comparison with the colours (RGB distance, [0, 1]). */
const SURELY_GROUND = 0.08;
/**
 * A pixel has a colour when its distance from it is below this fraction of the one from the ground.
 * Blur then separates neighbours at about a third of the solid tone, and the light tone is still safe.
 */
const GROUND_BIAS = 0.5;
/** A pixel farther than this from the ground and from every colour is unknown. */
const COLOUR_REACH = 0.25;

/**
 * A colour's two tones span a segment in RGB space; blur between the tones stays on it. Stored flat
 * as [light r, g, b, (solid − light) r, g, b, 1 / |solid − light|²] for the inner loop.
 */
const SEGMENT_STRIDE = 7;
const SEGMENTS = Float64Array.from(
  COLOURS.flatMap((colour) => {
    const [lightRed, lightGreen, lightBlue] = LIGHT_TONES[colour];
    const [solidRed, solidGreen, solidBlue] = SOLID_TONES[colour];
    const span = [solidRed - lightRed, solidGreen - lightGreen, solidBlue - lightBlue] as const;
    const squaredLength = span[0] ** 2 + span[1] ** 2 + span[2] ** 2;
    return [lightRed, lightGreen, lightBlue, ...span, 1 / squaredLength];
  }),
);

/** What {@link readPixels} writes: one entry per pixel, row-major. */
export interface PixelReading {
  /** Index into `COLOURS`, {@link GROUND_LABEL} or {@link UNKNOWN_LABEL}. */
  readonly labels: Int8Array;
  /** For coloured pixels, 1 for the solid tone down to 0 for the light one. */
  readonly tones: Float32Array;
  /** Squared RGB distance from the ground. */
  readonly groundDistances: Float32Array;
  /** The picture as float32 in [0, 1], `[64, 64, 3]`. */
  readonly rgb: Float32Array;
}

export function createPixelReading(): PixelReading {
  return {
    labels: new Int8Array(PIXEL_COUNT),
    tones: new Float32Array(PIXEL_COUNT),
    groundDistances: new Float32Array(PIXEL_COUNT),
    rgb: new Float32Array(PIXEL_COUNT * 3),
  };
}

/** RGB distance from the ground of the mean over the 3×3 pixels around one. */
export function localGroundDistance({ rgb }: PixelReading, pixel: number): number {
  const column = pixel % CANVAS_SIZE;
  const row = (pixel - column) / CANVAS_SIZE;
  let red = 0;
  let green = 0;
  let blue = 0;
  let count = 0;
  for (let y = Math.max(0, row - 1); y <= row + 1 && y < CANVAS_SIZE; y++) {
    for (let x = Math.max(0, column - 1); x <= column + 1 && x < CANVAS_SIZE; x++) {
      const offset = (y * CANVAS_SIZE + x) * 3;
      red += rgb[offset] as number;
      green += rgb[offset + 1] as number;
      blue += rgb[offset + 2] as number;
      count++;
    }
  }
  return Math.hypot(red / count - GROUND[0], green / count - GROUND[1], blue / count - GROUND[2]);
}

/** RGB distance from a point to the segment between a colour's tones. */
export function distanceToColour(colourIndex: number, [red, green, blue]: Rgb): number {
  const base = colourIndex * SEGMENT_STRIDE;
  const spanRed = SEGMENTS[base + 3] as number;
  const spanGreen = SEGMENTS[base + 4] as number;
  const spanBlue = SEGMENTS[base + 5] as number;
  const offRed = red - (SEGMENTS[base] as number);
  const offGreen = green - (SEGMENTS[base + 1] as number);
  const offBlue = blue - (SEGMENTS[base + 2] as number);
  const along = offRed * spanRed + offGreen * spanGreen + offBlue * spanBlue;
  const tone = Math.min(1, Math.max(0, along * (SEGMENTS[base + 6] as number)));
  return Math.hypot(
    offRed - tone * spanRed,
    offGreen - tone * spanGreen,
    offBlue - tone * spanBlue,
  );
}

function copyPixels(image: Image, rgb: Float32Array): void {
  const { width, height, data } = image;
  if (width !== CANVAS_SIZE || height !== CANVAS_SIZE || data.length !== rgb.length) {
    throw new RangeError(
      `The picture is ${width}×${height} with ${data.length} values; scenes are ` +
        `${CANVAS_SIZE}×${CANVAS_SIZE} RGB with ${rgb.length}. Resize it first.`,
    );
  }
  const scale = data instanceof Uint8Array ? 1 / 255 : 1;
  let poison = 0;
  for (let i = 0; i < rgb.length; i++) {
    const value = (data[i] as number) * scale;
    // 0 · x is 0 for every finite x only: one check for all, after the loop.
    poison += 0 * value;
    rgb[i] = value < 0 ? 0 : value > 1 ? 1 : value;
  }
  if (poison !== 0) {
    const broken = data.findIndex((value) => !Number.isFinite(value));
    throw new RangeError(
      `The picture's value at index ${broken} is ${data[broken] ?? NaN}; expected [0, 1].`,
    );
  }
}

/**
 * Names every pixel: ground, one of the six colours (the segment between its tones that is nearest
 * in RGB), or unknown.
 *
 * @throws when the picture is not 64×64 RGB or has non-finite values
 */
export function readPixels(image: Image, reading: PixelReading): void {
  const { labels, tones, groundDistances, rgb } = reading;
  copyPixels(image, rgb);
  const [groundRed, groundGreen, groundBlue] = GROUND;
  for (let pixel = 0; pixel < PIXEL_COUNT; pixel++) {
    const red = rgb[pixel * 3] as number;
    const green = rgb[pixel * 3 + 1] as number;
    const blue = rgb[pixel * 3 + 2] as number;
    const fromGround =
      (red - groundRed) ** 2 + (green - groundGreen) ** 2 + (blue - groundBlue) ** 2;
    groundDistances[pixel] = fromGround;
    if (fromGround < SURELY_GROUND * SURELY_GROUND) {
      labels[pixel] = GROUND_LABEL;
      continue;
    }
    let label = GROUND_LABEL;
    let nearest = fromGround * GROUND_BIAS ** 2;
    let nearestTone = 0;
    for (let colour = 0, base = 0; base < SEGMENTS.length; colour++, base += SEGMENT_STRIDE) {
      const spanRed = SEGMENTS[base + 3] as number;
      const spanGreen = SEGMENTS[base + 4] as number;
      const spanBlue = SEGMENTS[base + 5] as number;
      const offRed = red - (SEGMENTS[base] as number);
      const offGreen = green - (SEGMENTS[base + 1] as number);
      const offBlue = blue - (SEGMENTS[base + 2] as number);
      const along = offRed * spanRed + offGreen * spanGreen + offBlue * spanBlue;
      let tone = along * (SEGMENTS[base + 6] as number);
      tone = tone < 0 ? 0 : tone > 1 ? 1 : tone;
      const distance =
        (offRed - tone * spanRed) ** 2 +
        (offGreen - tone * spanGreen) ** 2 +
        (offBlue - tone * spanBlue) ** 2;
      if (distance < nearest) {
        nearest = distance;
        nearestTone = tone;
        label = colour;
      }
    }
    labels[pixel] = nearest > COLOUR_REACH * COLOUR_REACH ? UNKNOWN_LABEL : label;
    tones[pixel] = nearestTone;
  }
}
