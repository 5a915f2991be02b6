import type { Image } from '@loop-diffusion/rewards';

import { CANVAS_SIZE, GROUND, LIGHT_TONES, type Shape, SOLID_TONES } from './palette';
import type { Relation, SceneObject, ShapesPrompt } from './prompt';
import { textureTile, TILE_SIZE } from './texture-tiles';

/**
 * An object and where it lies. It fills a box of `size` × `size` pixels around
 * (`centreX`, `centreY`): a circle of that diameter, a square of that side, or an upright isosceles
 * triangle of that base and height. Pixel (column, row) covers [column, column + 1) × [row, row + 1).
 */
export interface PlacedObject extends SceneObject {
  readonly centreX: number;
  readonly centreY: number;
  readonly size: number;
}

export interface Scene {
  readonly objects: readonly PlacedObject[];
}

/** Least distance between the boxes of two objects, in pixels. */
export const OBJECT_GAP = 3;
/** Least distance between an object's box and the canvas edge, in pixels. */
export const BORDER_GAP = 2;
/** In a relation, the offset across its axis is at most this fraction of the one along it. */
export const MAX_SKEW = 0.6;

/** Smallest and largest size of a lone textured object: three periods, so that it can be read. */
const TEXTURED_SIZE_RANGE = [24, 36] as const;

/** Smallest and largest size of an object, in pixels, by the number of objects. */
const SIZE_RANGES: readonly (readonly [number, number])[] = [
  [20, 36],
  [14, 28],
  [14, 22],
  [14, 20],
];

/** How many places are tried for an object before its whole layout starts anew. */
const MAX_PLACES = 16;
/** After this many failed layouts the largest size allowed begins to shrink. */
const PATIENT_ATTEMPTS = 8;
const MAX_ATTEMPTS = 64;

function sizeRange(objects: readonly SceneObject[]): readonly [number, number] {
  const range = SIZE_RANGES[objects.length - 1];
  if (range === undefined) {
    throw new RangeError(`A scene has 1 to ${SIZE_RANGES.length} objects, not ${objects.length}.`);
  }
  return objects.length === 1 && objects[0]?.texture !== 'solid' ? TEXTURED_SIZE_RANGE : range;
}

function areApart(a: PlacedObject, b: PlacedObject): boolean {
  const reach = (a.size + b.size) / 2 + OBJECT_GAP;
  return Math.abs(a.centreX - b.centreX) >= reach || Math.abs(a.centreY - b.centreY) >= reach;
}

function isRelated(a: PlacedObject, b: PlacedObject, relation: Relation): boolean {
  const right = b.centreX - a.centreX;
  const down = b.centreY - a.centreY;
  const horizontal = relation === 'left of' || relation === 'right of';
  const distance = horizontal ? right : down;
  const along = relation === 'left of' || relation === 'above' ? distance : -distance;
  const across = Math.abs(horizontal ? down : right);
  return along >= (a.size + b.size) / 2 + OBJECT_GAP && across <= MAX_SKEW * along;
}

/** Draws a place for one more object, or gives up after a while. */
function placeObject(
  object: SceneObject,
  size: number,
  placed: readonly PlacedObject[],
  relation: Relation | undefined,
  random: () => number,
): PlacedObject | undefined {
  const room = CANVAS_SIZE - size - 2 * BORDER_GAP;
  const start = BORDER_GAP + size / 2;
  for (let attempt = 0; attempt < MAX_PLACES; attempt++) {
    const centreX = start + room * random();
    const centreY = start + room * random();
    const candidate = { ...object, size, centreX, centreY };
    const fits = placed.every(
      (other) =>
        areApart(other, candidate) &&
        (relation === undefined || isRelated(other, candidate, relation)),
    );
    if (fits) return candidate;
  }
  return undefined;
}

function drawLayout(
  prompt: ShapesPrompt,
  random: () => number,
  smallest: number,
  largest: number,
): PlacedObject[] | undefined {
  const placed: PlacedObject[] = [];
  for (const object of prompt.objects) {
    const size = smallest + (largest - smallest) * random();
    const next = placeObject(object, size, placed, prompt.relation, random);
    if (next === undefined) return undefined;
    placed.push(next);
  }
  return placed;
}

/** Quarter points of the canvas; what a generator that never hits a free layout falls back on. */
function fallbackLayout(prompt: ShapesPrompt, size: number): PlacedObject[] {
  const near = CANVAS_SIZE / 4;
  const far = CANVAS_SIZE - near;
  const middle = CANVAS_SIZE / 2;
  const vertical = prompt.relation === 'above' || prompt.relation === 'below';
  const reversed = prompt.relation === 'right of' || prompt.relation === 'below';
  return prompt.objects.map((object, index) => {
    const first = (index % 2 === 0) !== reversed;
    const centreX = first ? near : far;
    const centreY = index < 2 ? near : far;
    if (prompt.relation === undefined) return { ...object, size, centreX, centreY };
    return vertical
      ? { ...object, size, centreX: middle, centreY: first ? near : far }
      : { ...object, size, centreX, centreY: middle };
  });
}

/**
 * Draws sizes and positions that agree with the prompt: boxes at least 3 pixels apart and 2 from
 * the canvas edge, a relation's objects clear of each other along its axis. Single objects measure
 * 20–36 pixels (24–36 with a texture), the members of a pair 14–28, of three 14–22, of four 14–20.
 *
 * @param random uniform in [0, 1)
 */
export function layOutScene(prompt: ShapesPrompt, random: () => number): Scene {
  const [smallest, largest] = sizeRange(prompt.objects);
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const shrink = Math.max(0, attempt - PATIENT_ATTEMPTS) / (MAX_ATTEMPTS - PATIENT_ATTEMPTS);
    const objects = drawLayout(prompt, random, smallest, largest - shrink * (largest - smallest));
    if (objects !== undefined) return { objects };
  }
  return { objects: fallbackLayout(prompt, smallest) };
}

const INVERSE_ROOT_OF_FIVE = 1 / Math.sqrt(5);

/**
 * Signed distance in pixels from a shape's edge, negative inside, for an offset from the centre of
 * its box. Exact near the edges; around outer corners it may be too small, which supersampling
 * does not mind.
 */
export function signedDistance(shape: Shape, x: number, y: number, size: number): number {
  const half = size / 2;
  switch (shape) {
    case 'circle':
      // Math.hypot guards against overflow, which costs ten times as much.
      return Math.sqrt(x * x + y * y) - half;
    case 'square':
      return Math.max(Math.abs(x), Math.abs(y)) - half;
    case 'triangle': {
      // The slanted side runs from the apex (0, -half) to (half, half): 2|x| - y = half.
      const slanted = (2 * Math.abs(x) - y - half) * INVERSE_ROOT_OF_FIVE;
      return Math.max(slanted, y - half);
    }
  }
}

/** Sub-samples per pixel and axis where an edge runs through. */
const SUBSAMPLES = 4;

/** Fraction of the pixel around an offset from the object's centre that the shape covers. */
function coverage(shape: Shape, x: number, y: number, size: number): number {
  const distance = signedDistance(shape, x, y, size);
  // Half a pixel's diagonal is 0.71: farther from the edge there is nothing to sample.
  if (distance <= -0.75) return 1;
  if (distance >= 0.75) return 0;
  let hits = 0;
  for (let i = 0; i < SUBSAMPLES; i++) {
    const subY = y + (i + 0.5) / SUBSAMPLES - 0.5;
    for (let j = 0; j < SUBSAMPLES; j++) {
      const subX = x + (j + 0.5) / SUBSAMPLES - 0.5;
      if (signedDistance(shape, subX, subY, size) <= 0) hits++;
    }
  }
  return hits / (SUBSAMPLES * SUBSAMPLES);
}

function drawObject(pixels: Float32Array, object: PlacedObject): void {
  const { shape, size, centreX, centreY } = object;
  const solid = SOLID_TONES[object.colour];
  const light = LIGHT_TONES[object.colour];
  const tile = textureTile(object.texture);
  const top = Math.max(0, Math.floor(centreY - size / 2));
  const bottom = Math.min(CANVAS_SIZE, Math.ceil(centreY + size / 2));
  const left = Math.max(0, Math.floor(centreX - size / 2));
  const right = Math.min(CANVAS_SIZE, Math.ceil(centreX + size / 2));
  for (let row = top; row < bottom; row++) {
    const tileRow = (row % TILE_SIZE) * TILE_SIZE;
    for (let column = left; column < right; column++) {
      const covered = coverage(shape, column + 0.5 - centreX, row + 0.5 - centreY, size);
      if (covered === 0) continue;
      const tone = tile[tileRow + (column % TILE_SIZE)] ?? 1;
      const offset = (row * CANVAS_SIZE + column) * 3;
      for (let channel = 0; channel < 3; channel++) {
        const lightValue = light[channel] ?? 0;
        const value = lightValue + tone * ((solid[channel] ?? 0) - lightValue);
        const below = pixels[offset + channel] ?? 0;
        pixels[offset + channel] = below + covered * (value - below);
      }
    }
  }
}

const EMPTY_CANVAS = Float32Array.from(
  { length: CANVAS_SIZE * CANVAS_SIZE * 3 },
  (_, index) => GROUND[index % 3] ?? 0,
);

/** Draws a scene on the light grey ground: 64×64, float32 in [0, 1], antialiased. */
export function drawScene(scene: Scene): Image {
  const data = EMPTY_CANVAS.slice();
  for (const object of scene.objects) drawObject(data, object);
  return { width: CANVAS_SIZE, height: CANVAS_SIZE, data };
}

/**
 * A random picture of a prompt.
 *
 * @param random uniform in [0, 1); the same draws give the same picture
 */
export function renderScene(
  prompt: ShapesPrompt,
  random: () => number,
): { image: Image; scene: Scene } {
  const scene = layOutScene(prompt, random);
  return { image: drawScene(scene), scene };
}
