import type { Setting } from '../axis';
import { cubeOf } from '../space';
import type { TestFunction } from './functions';

/** Of the other keys, in the middles of so many cells of each axis. */
const CELLS = 24;

/** The partial dependence of a function itself at values of a key: the midpoint rule over all other keys. */
export function trueCurve(
  { space, gain }: TestFunction,
  key: string,
  values: readonly Setting[],
): number[] {
  const cube = cubeOf(space);
  let others: number[][] = [[]];
  for (const name of cube.keys) {
    const middles =
      name === key ? [0] : Array.from({ length: CELLS }, (_, cell) => (cell + 0.5) / CELLS);
    others = others.flatMap((point) => middles.map((middle) => [...point, middle]));
  }
  const settings = others.map((point) => cube.toSettings(point));
  return values.map(
    (value) =>
      settings.reduce((sum, other) => sum + gain({ ...other, [key]: value }), 0) / settings.length,
  );
}
