import type { Quadrilateral } from './text-recogniser';

interface Placed {
  readonly corners: Quadrilateral;
}

/**
 * Boxes from top to bottom, and from left to right where they stand on one line: where they overlap
 * vertically by at least half the height of the lower of the two. PaddleOCR asks instead whether
 * their tops are within 10 pixels, which says nothing about small or large pictures.
 */
export function readingOrder<T extends Placed>(boxes: readonly T[]): T[] {
  const placed = boxes.map((box) => {
    const ys = box.corners.map(([, y]) => y);
    const left = Math.min(...box.corners.map(([x]) => x));
    return { box, top: Math.min(...ys), bottom: Math.max(...ys), left };
  });
  placed.sort((a, b) => a.top + a.bottom - (b.top + b.bottom));
  const lines: (typeof placed)[] = [];
  for (const next of placed) {
    const line = lines.at(-1);
    const first = line?.[0];
    const overlap =
      first === undefined
        ? -1
        : Math.min(first.bottom, next.bottom) - Math.max(first.top, next.top);
    const lower =
      first === undefined ? 0 : Math.min(first.bottom - first.top, next.bottom - next.top);
    if (line !== undefined && overlap >= lower / 2) line.push(next);
    else lines.push([next]);
  }
  return lines.flatMap((line) => line.sort((a, b) => a.left - b.left).map(({ box }) => box));
}
