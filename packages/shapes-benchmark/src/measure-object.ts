import { CANVAS_SIZE, type Rgb, type Shape, SHAPES, TEXTURES } from './palette';
import { type FoundObject, type ObjectMap } from './find-objects';
import { distanceToColour, type PixelReading } from './read-pixels';
import { TEXTURE_TILES, TILE_SIZE } from './texture-tiles';

/** How an object looks, before any prompt is compared with it. */
export interface ObjectMeasures {
  /** Intersection over union with the upright template of equal area, one per `SHAPES`. */
  readonly overlaps: Float64Array;
  /** Mean absolute difference in tone from each of `TEXTURES`, in [0, 1]. */
  readonly textureErrors: Float64Array;
  /** RGB distance of the mean colour from the pure one. */
  readonly colourError: number;
}

/**
 * Half the width of a shape's template at a height relative to its centre of mass (down is
 * positive), or a negative number above and below it.
 */
function templateHalfWidth(shape: Shape, y: number, area: number): number {
  switch (shape) {
    case 'circle':
      return area >= Math.PI * y * y ? Math.sqrt(area / Math.PI - y * y) : -1;
    case 'square': {
      const half = Math.sqrt(area) / 2;
      return Math.abs(y) <= half ? half : -1;
    }
    case 'triangle': {
      // Base and height are √(2·area); the centre of mass is a third of the height above the base.
      const height = Math.sqrt(2 * area);
      return y <= height / 3 ? (y + (2 * height) / 3) / 2 : -1;
    }
  }
}

/** No template reaches farther from its centre of mass, in multiples of √area. */
const TEMPLATE_REACH = 1;

function measureOverlap(shape: Shape, object: FoundObject, owners: Int16Array): number {
  const { id, area, massX, massY } = object;
  const size = CANVAS_SIZE;
  const reach = TEMPLATE_REACH * Math.sqrt(area);
  const firstRow = Math.floor(massY - reach);
  const lastRow = Math.ceil(massY + reach);
  let templateArea = 0;
  let shared = 0;
  // The template may reach beyond the canvas, so that a cut-off object is not a whole one.
  for (let row = firstRow; row < lastRow; row++) {
    const halfWidth = templateHalfWidth(shape, row + 0.5 - massY, area);
    if (halfWidth < 0) continue;
    // Columns whose pixel centres lie inside.
    const first = Math.ceil(massX - halfWidth - 0.5);
    const end = Math.floor(massX + halfWidth - 0.5) + 1;
    templateArea += Math.max(0, end - first);
    if (row < 0 || row >= size) continue;
    const from = first < 0 ? 0 : first;
    for (let column = from; column < end && column < size; column++) {
      if (owners[row * size + column] === id) shared++;
    }
  }
  return shared / (area + templateArea - shared);
}

/** True when the pixel and its eight neighbours belong to the object. */
function isDeepInside(owners: Int16Array, row: number, column: number, id: number): boolean {
  if (row < 1 || column < 1 || row >= CANVAS_SIZE - 1 || column >= CANVAS_SIZE - 1) return false;
  for (let y = -CANVAS_SIZE; y <= CANVAS_SIZE; y += CANVAS_SIZE) {
    const middle = row * CANVAS_SIZE + column + y;
    if (owners[middle - 1] !== id || owners[middle] !== id || owners[middle + 1] !== id) {
      return false;
    }
  }
  return true;
}

/** Measures shape, texture and colour of one object; about 0.05 ms. */
export function measureObject(
  object: FoundObject,
  { owners }: ObjectMap,
  { tones, rgb }: PixelReading,
): ObjectMeasures {
  const { id, top, bottom, left, right } = object;
  const overlaps = Float64Array.from(SHAPES, (shape) => measureOverlap(shape, object, owners));

  const textureErrors = new Float64Array(TEXTURES.length);
  let red = 0;
  let green = 0;
  let blue = 0;
  let count = 0;
  for (let row = top; row < bottom; row++) {
    for (let column = left; column < right; column++) {
      // The rim blends into the ground, so only the inside tells colour and texture.
      if (!isDeepInside(owners, row, column, id)) continue;
      const pixel = row * CANVAS_SIZE + column;
      const tone = tones[pixel] as number;
      const tileIndex = (row % TILE_SIZE) * TILE_SIZE + (column % TILE_SIZE);
      for (let texture = 0; texture < TEXTURE_TILES.length; texture++) {
        const difference = tone - ((TEXTURE_TILES[texture] as Float32Array)[tileIndex] as number);
        const error = difference < 0 ? -difference : difference;
        textureErrors[texture] = (textureErrors[texture] as number) + error;
      }
      red += rgb[pixel * 3] as number;
      green += rgb[pixel * 3 + 1] as number;
      blue += rgb[pixel * 3 + 2] as number;
      count++;
    }
  }
  if (count === 0) return { overlaps, textureErrors: textureErrors.fill(1), colourError: 1 };
  const mean: Rgb = [red / count, green / count, blue / count];
  return {
    overlaps,
    textureErrors: textureErrors.map((error) => error / count),
    colourError: distanceToColour(object.colourIndex, mean),
  };
}
