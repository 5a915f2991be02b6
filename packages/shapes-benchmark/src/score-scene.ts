import type { Image } from '@loop-diffusion/rewards';

import { createObjectMap, findObjects, type FoundObject, MINIMUM_AREA } from './find-objects';
import { matchObjects } from './match-objects';
import { measureObject, type ObjectMeasures } from './measure-object';
import { CANVAS_SIZE, COLOURS, SHAPES, TEXTURES } from './palette';
import { parsePrompt, type Relation, type SceneObject, type ShapesPrompt } from './prompt';
import { createPixelReading, localGroundDistance, PIXEL_COUNT, readPixels } from './read-pixels';

/** What {@link scoreScene} finds. Every number is in [0, 1]. */
export interface SceneScore {
  /** `objects · count · ground`, times `relation` where the prompt has one. */
  readonly value: number;
  /**
   * - `objects`: mean quality of the pairs of a wanted and a found object
   * - `colour`, `shape`, `texture`: how far each aspect is right, mean over the wanted objects
   *   (shape and texture count only where the colour is right)
   * - `count`: (smaller / larger)² of the wanted and the found number
   * - `relation`: only for spatial prompts
   * - `ground`: how clean the rest of the picture is
   */
  readonly components: Readonly<Record<string, number>>;
}

/** From 0 at `from` to 1 at `to`, linear between; `from` may be the larger one. */
function ramp(value: number, from: number, to: number): number {
  const position = (value - from) / (to - from);
  return position < 0 ? 0 : position > 1 ? 1 : position;
}

/** Pixels around an object that its soft rim may tint without being clutter. */
const RIM = 3;
/** Only this many of the largest objects are compared with the wanted ones; all of them count. */
const MAX_COMPARED = 6;

/** How much a found object counts: patches this side of the smallest rendered one fade out. */
function weigh({ area }: FoundObject): number {
  return ramp(area, MINIMUM_AREA - 5, 70);
}

interface Quality {
  readonly value: number;
  readonly colour: number;
  readonly shape: number;
  readonly texture: number;
}

function smallestOther(errors: Float64Array, wanted: number): number {
  let smallest = Infinity;
  for (const [index, error] of errors.entries()) {
    if (index !== wanted && error < smallest) smallest = error;
  }
  return smallest;
}

function largestOther(overlaps: Float64Array, wanted: number): number {
  let largest = 0;
  for (const [index, overlap] of overlaps.entries()) {
    if (index !== wanted && overlap > largest) largest = overlap;
  }
  return largest;
}

function rateShape({ overlaps }: ObjectMeasures, wanted: SceneObject): number {
  const index = SHAPES.indexOf(wanted.shape);
  const overlap = overlaps[index] ?? 0;
  const lead = overlap - largestOther(overlaps, index);
  return ramp(overlap, 0.5, 0.9) * ramp(lead, -0.07, 0.07);
}

function rateTexture({ textureErrors }: ObjectMeasures, wanted: SceneObject): number {
  const index = TEXTURES.indexOf(wanted.texture);
  const error = textureErrors[index] ?? 1;
  const lead = smallestOther(textureErrors, index) - error;
  return ramp(error, 0.5, 0.22) * ramp(lead, -0.15, 0.15);
}

/** No rendered object is larger than 36 × 36 = 1,296 pixels, and a filled canvas is no square. */
function rateExtent({ area }: FoundObject): number {
  return ramp(area, 2000, 1400);
}

function rateObject(found: FoundObject, measures: ObjectMeasures, wanted: SceneObject): Quality {
  const extent = rateExtent(found);
  const shape = extent * rateShape(measures, wanted);
  const texture = rateTexture(measures, wanted);
  if (COLOURS[found.colourIndex] !== wanted.colour) {
    return { value: 0.15 * shape * texture, colour: 0, shape: 0, texture: 0 };
  }
  const colour = extent * (1 - 0.6 * ramp(measures.colourError, 0.06, 0.18));
  const value = colour * (0.2 + 0.25 * shape + 0.55 * shape * texture);
  return { value, colour, shape, texture };
}

function rateRelation(
  relation: Relation,
  first: FoundObject | undefined,
  second: FoundObject | undefined,
): number {
  if (first === undefined || second === undefined) return 0.25;
  const right = (second.left + second.right - first.left - first.right) / 2;
  const down = (second.top + second.bottom - first.top - first.bottom) / 2;
  const horizontal = relation === 'left of' || relation === 'right of';
  const distance = horizontal ? right : down;
  const along = relation === 'left of' || relation === 'above' ? distance : -distance;
  const length = Math.hypot(right, down);
  const cosine = length === 0 ? 0 : along / length;
  return 0.25 + 0.1 * ramp(cosine, -1, 0.8) + 0.65 * ramp(cosine, 0.52, 0.8);
}

// Scoring is synchronous, so one set of buffers serves every call.
const reading = createPixelReading();
const map = createObjectMap();
const nearObject = new Uint8Array(PIXEL_COUNT);
const nearInRow = new Uint8Array(PIXEL_COUNT);

/** Marks what lies within {@link RIM} pixels of an object: first along rows, then columns. */
function markSurroundings(): void {
  const { owners } = map;
  const size = CANVAS_SIZE;
  nearInRow.fill(0);
  nearObject.fill(0);
  for (let row = 0; row < PIXEL_COUNT; row += size) {
    for (let column = 0; column < size; column++) {
      if ((owners[row + column] as number) <= 0) continue;
      const from = column < RIM ? 0 : column - RIM;
      for (let x = from; x <= column + RIM && x < size; x++) nearInRow[row + x] = 1;
    }
  }
  for (let pixel = 0; pixel < PIXEL_COUNT; pixel++) {
    if (nearInRow[pixel] === 0) continue;
    const top = pixel - RIM * size;
    const from = top < 0 ? pixel % size : top;
    const to = pixel + RIM * size;
    for (let near = from; near <= to && near < PIXEL_COUNT; near += size) nearObject[near] = 1;
  }
}

/** RGB distances from the ground between which a pixel turns from clean to clutter. */
const GROUND_CLEAN = 0.1;
const GROUND_FOREIGN = 0.25;

/** How clean the picture is outside its objects: 1 up to 2 % of clutter, 0 from 20 %. */
function rateGround(): number {
  markSurroundings();
  let clutter = 0;
  for (let pixel = 0; pixel < PIXEL_COUNT; pixel++) {
    if (nearObject[pixel] === 1) continue;
    if ((reading.groundDistances[pixel] as number) <= GROUND_CLEAN ** 2) continue;
    // The mean with the neighbours, so that grain alone is not clutter.
    clutter += ramp(localGroundDistance(reading, pixel), GROUND_CLEAN, GROUND_FOREIGN);
  }
  return ramp(clutter / PIXEL_COUNT, 0.2, 0.02);
}

/**
 * Scores how well a picture shows a prompt, by reading it exactly. With n objects wanted and m
 * found (patches of one palette colour, each counted by `weigh`):
 *
 * ```text
 * value    = objects · count · ground · relation
 * objects  = mean over the min(n, m) best pairs of   colour · (0.2 + 0.25 shape + 0.55 shape · texture)
 *            where the colours agree, else            0.15 · shape · texture
 * count    = (min(n, m) / max(n, m))²
 * relation = 0.25 for the opposite, about 0.3 across, 1 along the right axis; 1 without a relation
 * ```
 *
 * `shape` compares the overlap with upright templates of equal area, `texture` the two tones with the
 * canvas-aligned patterns; both reach 1 well before perfection and fall linearly, so that a softly
 * decoded picture of the right scene still scores 1. A clean render scores exactly 1; blank pictures
 * and noise score 0.
 *
 * @param image 64×64 RGB, float32 in [0, 1] or uint8
 * @throws {PromptSyntaxError} when the prompt is outside the grammar
 * @throws {RangeError} when the picture has another size or non-finite values
 */
export function scoreScene(image: Image, prompt: string | ShapesPrompt): SceneScore {
  const { objects: wanted, relation } = typeof prompt === 'string' ? parsePrompt(prompt) : prompt;
  readPixels(image, reading);
  const found = findObjects(reading, map);
  const compared = found.slice(0, MAX_COMPARED).map((object) => {
    const measures = measureObject(object, map, reading);
    return { object, ratings: wanted.map((kind) => rateObject(object, measures, kind)) };
  });
  const partners = matchObjects(
    wanted.map((_, index) => compared.map(({ ratings }) => ratings[index]?.value ?? 0)),
  );

  let quality = 0;
  let pairs = 0;
  let colour = 0;
  let shape = 0;
  let texture = 0;
  for (const [index, partner] of partners.entries()) {
    const rating = compared[partner]?.ratings[index];
    if (rating === undefined) continue;
    pairs++;
    quality += rating.value;
    colour += rating.colour;
    shape += rating.shape;
    texture += rating.texture;
  }
  const objects = pairs === 0 ? 0 : quality / pairs;
  const foundCount = found.reduce((sum, object) => sum + weigh(object), 0);
  const count = (Math.min(wanted.length, foundCount) / Math.max(wanted.length, foundCount)) ** 2;
  const ground = rateGround();
  const components: Record<string, number> = {
    objects,
    colour: colour / wanted.length,
    shape: shape / wanted.length,
    texture: texture / wanted.length,
    count,
    ground,
  };
  let value = objects * count * ground;
  if (relation !== undefined) {
    const [first, second] = partners.map((partner) => compared[partner]?.object);
    components['relation'] = rateRelation(relation, first, second);
    value *= components['relation'];
  }
  return { value, components };
}
