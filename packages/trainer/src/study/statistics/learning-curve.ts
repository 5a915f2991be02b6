/** How fast a run learns: the area under its held-out rewards, and where they reach a given one. */

/** An evaluation: a reward, and what was spent until then. */
export interface CurvePoint {
  readonly spent: number;
  readonly reward: number;
}

/**
 * The mean height of the curve between its first and its last point: the area under it (trapezoids) over its length.
 *
 * @param points in their order, at least 2
 * @returns NaN for fewer, and where nothing was spent
 */
export function meanHeight(points: readonly CurvePoint[]): number {
  let area = 0;
  for (const [index, point] of points.entries()) {
    const before = points[index - 1];
    if (before !== undefined) {
      area += (point.spent - before.spent) * ((point.reward + before.reward) / 2);
    }
  }
  const first = points[0];
  const last = points.at(-1);
  return first === undefined || last === undefined ? Number.NaN : area / (last.spent - first.spent);
}

/** What was spent when the curve, linear between its points, first reaches a reward; undefined where it never does. */
export function spentToReach(points: readonly CurvePoint[], reward: number): number | undefined {
  const index = points.findIndex((point) => point.reward >= reward);
  const reached = points[index];
  const before = points[index - 1];
  if (reached === undefined || before === undefined) return reached?.spent;
  const part = (reward - before.reward) / (reached.reward - before.reward);
  return before.spent + part * (reached.spent - before.spent);
}
