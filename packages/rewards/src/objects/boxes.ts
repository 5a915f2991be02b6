import type { Image } from '../image';
import type { Box, Detection } from './object-detector';

const area = ([x0, y0, x1, y1]: Box) => Math.max(0, x1 - x0) * Math.max(0, y1 - y0);

/** Area that two boxes share. */
export function intersection(a: Box, b: Box): number {
  return area([
    Math.max(a[0], b[0]),
    Math.max(a[1], b[1]),
    Math.min(a[2], b[2]),
    Math.min(a[3], b[3]),
  ]);
}

/** Intersection over union, in [0, 1]; 0 for two boxes without area. */
export function intersectionOverUnion(a: Box, b: Box): number {
  const shared = intersection(a, b);
  const union = area(a) + area(b) - shared;
  return union === 0 ? 0 : shared / union;
}

/** Most certain first; of equal ones the earlier. */
export function byScore(detections: readonly Detection[]): Detection[] {
  return [...detections].sort((a, b) => b.score - a.score);
}

/** T2I-CompBench's pictures have 512 pixels a side, and its rules count pixels. */
const REFERENCE_SIDE = 512;

/** Boxes as if the picture's longer side had 512 pixels. */
export function inReferencePixels(
  detections: readonly Detection[],
  { width, height }: Pick<Image, 'width' | 'height'>,
): Detection[] {
  const scale = REFERENCE_SIDE / Math.max(width, height);
  return detections.map(({ label, score, box: [x0, y0, x1, y1] }) => ({
    label,
    score,
    box: [x0 * scale, y0 * scale, x1 * scale, y1 * scale],
  }));
}
