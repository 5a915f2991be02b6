import { type Rectangle, rectangleCorners, smallestRectangle } from './smallest-rectangle';
import type { Point, Quadrilateral } from './text-recogniser';

/** PaddleOCR's settings for PP-OCRv4: `det_db_thresh`, `det_db_box_thresh`, `det_db_unclip_ratio`. */
export const TEXT_BOX_SETTINGS = { pixel: 0.3, box: 0.6, unclip: 1.5, shortestSide: 3 } as const;

/** The left and right ends of the rows of each 8-connected region of pixels above the threshold. */
function regions(map: Float32Array, width: number, height: number): Point[][] {
  const seen = new Uint8Array(map.length);
  const found: Point[][] = [];
  const stack: number[] = [];
  const visit = (pixel: number) => {
    if (seen[pixel] === 1 || !(map[pixel]! > TEXT_BOX_SETTINGS.pixel)) return;
    seen[pixel] = 1;
    stack.push(pixel);
  };
  for (let start = 0; start < map.length; start += 1) {
    visit(start);
    if (stack.length === 0) continue;
    const ends = new Map<number, [left: number, right: number]>();
    for (let pixel = stack.pop(); pixel !== undefined; pixel = stack.pop()) {
      const x = pixel % width;
      const y = (pixel - x) / width;
      const row = ends.get(y);
      if (row === undefined) ends.set(y, [x, x]);
      else ends.set(y, [Math.min(row[0], x), Math.max(row[1], x)]);
      for (let besideY = Math.max(y - 1, 0); besideY <= Math.min(y + 1, height - 1); besideY += 1) {
        for (
          let besideX = Math.max(x - 1, 0);
          besideX <= Math.min(x + 1, width - 1);
          besideX += 1
        ) {
          visit(besideY * width + besideX);
        }
      }
    }
    found.push(
      [...ends].flatMap(([y, [left, right]]): Point[] => [
        [left, y],
        [right, y],
      ]),
    );
  }
  return found;
}

/** Mean of the map over the pixels whose centres lie in the rectangle. */
function meanInside(map: Float32Array, width: number, height: number, box: Rectangle): number {
  const corners = rectangleCorners(box);
  const xs = corners.map(([x]) => x);
  const ys = corners.map(([, y]) => y);
  // Half a pixel: rectangles through pixel centres keep the pixels on their sides.
  const reachX = box.width / 2 + 0.5;
  const reachY = box.height / 2 + 0.5;
  let sum = 0;
  let count = 0;
  for (
    let y = Math.max(0, Math.floor(Math.min(...ys)));
    y <= Math.min(height - 1, Math.max(...ys));
    y += 1
  ) {
    for (
      let x = Math.max(0, Math.floor(Math.min(...xs)));
      x <= Math.min(width - 1, Math.max(...xs));
      x += 1
    ) {
      const right = x - box.centre[0];
      const down = y - box.centre[1];
      const along = right * box.direction[0] + down * box.direction[1];
      const across = down * box.direction[0] - right * box.direction[1];
      if (Math.abs(along) > reachX || Math.abs(across) > reachY) continue;
      sum += map[y * width + x]!;
      count += 1;
    }
  }
  return count === 0 ? 0 : sum / count;
}

/**
 * Where there is text, from the detector's map of how likely each pixel belongs to some: the
 * post-processing of DB (Liao et al. 2020, section 3.4) with PaddleOCR's settings. The map marks
 * the shrunken middle of a line; its smallest rectangle is grown by area · ratio / perimeter.
 *
 * @param map `[height, width]`, in [0, 1]
 * @param to the picture's size, which the corners are scaled to
 */
export function textBoxes(
  map: Float32Array,
  { width, height }: { readonly width: number; readonly height: number },
  to: { readonly width: number; readonly height: number },
): Quadrilateral[] {
  const boxes: Quadrilateral[] = [];
  const clip = (value: number, most: number) => Math.min(Math.max(Math.round(value), 0), most);
  for (const points of regions(map, width, height)) {
    const core = smallestRectangle(points);
    if (core === undefined) continue;
    if (Math.min(core.width, core.height) < TEXT_BOX_SETTINGS.shortestSide) continue;
    if (meanInside(map, width, height, core) < TEXT_BOX_SETTINGS.box) continue;
    const grow =
      (core.width * core.height * TEXT_BOX_SETTINGS.unclip) / (2 * (core.width + core.height));
    const whole = { ...core, width: core.width + 2 * grow, height: core.height + 2 * grow };
    boxes.push(
      rectangleCorners(whole).map(([x, y]): Point => [
        clip((x / width) * to.width, to.width),
        clip((y / height) * to.height, to.height),
      ]) as unknown as Quadrilateral,
    );
  }
  return boxes;
}
