import { CANVAS_SIZE } from './palette';
import { PIXEL_COUNT, type PixelReading } from './read-pixels';

/** A patch of one colour with fewer pixels is no object, only clutter. */
export const MINIMUM_AREA = 25;
/** So is one that is all rim, such as the soft edge around an object of another colour. */
const MINIMUM_INNER_AREA = 6;

/** A 4-connected patch of one colour. */
export interface FoundObject {
  /** Value of its pixels in {@link ObjectMap.owners}. */
  readonly id: number;
  /** Index into `COLOURS`. */
  readonly colourIndex: number;
  /** In pixels. */
  readonly area: number;
  /** Centre of mass in pixels; the top left pixel's centre is (0.5, 0.5). */
  readonly massX: number;
  readonly massY: number;
  /** Bounding box, right and bottom exclusive. */
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** Which object owns each pixel. */
export interface ObjectMap {
  /** Object id ≥ 1, or 0 where no patch was found, row-major. */
  readonly owners: Int16Array;
  /** Scratch: pixels still to visit. */
  readonly pending: Int16Array;
}

export function createObjectMap(): ObjectMap {
  return { owners: new Int16Array(PIXEL_COUNT), pending: new Int16Array(PIXEL_COUNT) };
}

/** True when all four neighbours belong to the same patch. */
function isInner(owners: Int16Array, pixel: number, id: number): boolean {
  const column = pixel % CANVAS_SIZE;
  return (
    column > 0 &&
    column < CANVAS_SIZE - 1 &&
    owners[pixel - 1] === id &&
    owners[pixel + 1] === id &&
    owners[pixel - CANVAS_SIZE] === id &&
    owners[pixel + CANVAS_SIZE] === id
  );
}

/**
 * Finds the 4-connected patches of one colour that are large and thick enough to be objects,
 * largest first. Pixels of smaller patches have negative owners afterwards.
 */
export function findObjects({ labels }: PixelReading, map: ObjectMap): FoundObject[] {
  const { owners, pending } = map;
  owners.fill(0);
  const objects: FoundObject[] = [];
  let patches = 0;
  for (let start = 0; start < PIXEL_COUNT; start++) {
    const label = labels[start] as number;
    if (label < 0 || owners[start] !== 0) continue;
    const id = ++patches;
    let sumX = 0;
    let sumY = 0;
    let left = CANVAS_SIZE;
    let right = 0;
    let bottom = 0;
    let area = 0;
    let visited = 0;
    // The list of pixels is both the queue of the search and, afterwards, the patch.
    pending[area++] = start;
    owners[start] = id;
    while (visited < area) {
      const pixel = pending[visited++] as number;
      const column = pixel % CANVAS_SIZE;
      const row = (pixel - column) / CANVAS_SIZE;
      sumX += column;
      sumY += row;
      if (column < left) left = column;
      if (column >= right) right = column + 1;
      if (row >= bottom) bottom = row + 1;
      for (let side = 0; side < 4; side++) {
        if (side === 0 ? column === 0 : side === 1 && column === CANVAS_SIZE - 1) continue;
        const step = side === 0 ? -1 : side === 1 ? 1 : side === 2 ? -CANVAS_SIZE : CANVAS_SIZE;
        const next = pixel + step;
        if (labels[next] === label && owners[next] === 0) {
          owners[next] = id;
          pending[area++] = next;
        }
      }
    }
    let innerArea = 0;
    if (area >= MINIMUM_AREA) {
      for (let i = 0; i < area; i++) if (isInner(owners, pending[i] as number, id)) innerArea++;
    }
    if (innerArea < MINIMUM_INNER_AREA) {
      for (let i = 0; i < area; i++) owners[pending[i] as number] = -1;
      continue;
    }
    objects.push({
      id,
      colourIndex: label,
      area,
      massX: sumX / area + 0.5,
      massY: sumY / area + 0.5,
      left,
      top: (start - (start % CANVAS_SIZE)) / CANVAS_SIZE,
      right,
      bottom,
    });
  }
  return objects.sort((a, b) => b.area - a.area);
}
