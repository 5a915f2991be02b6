import { intersectionOverUnion } from './boxes';
import type { Box } from './object-detector';
import type { Relation } from './spatial-prompt';

const IOU_THRESHOLD = 0.1;
/** In pixels of a picture of 512. */
const NEAR = 150;

const centre = ([x0, y0, x1, y1]: Box) => [(x0 + x1) / 2, (y0 + y1) / 2] as const;

/**
 * How well two boxes stand as they should, in [0, 1] (T2I-CompBench, Huang et al. 2023, section 4.2
 * and its `determine_position`). Left, right, top, bottom: the centres must differ most along that
 * axis and in the right order; then 1, or 0.1 / IoU where the boxes overlap by more than 0.1. Near:
 * 1 within 150 pixels along either axis, then 150 over the larger distance.
 *
 * @param first box in pixels of a picture whose longer side has 512
 */
export function relativePosition(relation: Relation, first: Box, second: Box): number {
  const [x1, y1] = centre(first);
  const [x2, y2] = centre(second);
  const [right, down] = [x2 - x1, y2 - y1];
  const [across, along] = [Math.abs(right), Math.abs(down)];
  if (relation === 'near') {
    return across < NEAR || along < NEAR ? 1 : NEAR / Math.max(across, along);
  }
  const stands = {
    left: right > 0 && across > along,
    right: right < 0 && across > along,
    top: down > 0 && along > across,
    bottom: down < 0 && along > across,
  }[relation];
  if (!stands) return 0;
  const iou = intersectionOverUnion(first, second);
  return iou < IOU_THRESHOLD ? 1 : IOU_THRESHOLD / iou;
}
