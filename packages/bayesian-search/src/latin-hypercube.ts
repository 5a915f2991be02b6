import { permutation, uniform } from './random';

/** A place in the unit cube, a number in [0, 1] per key. */
export type Point = readonly number[];

export interface LatinHypercubeOptions {
  /** Names of the random numbers, see `uniform`. */
  readonly names: readonly number[];
  /** In the middle of each cell, for averages over the cube (midpoint rule), instead of anywhere in it. */
  readonly centred?: boolean;
  /** The one of so many designs whose nearest two points are farthest apart. 1 when left out. */
  readonly tries?: number;
}

/**
 * A Latin hypercube (McKay, Beckman and Conover 1979): on every axis each of `count` equal cells has one point.
 *
 * @param dimensions ≥ 1
 */
export function latinHypercube(
  count: number,
  dimensions: number,
  { names, centred = false, tries = 1 }: LatinHypercubeOptions,
): Point[] {
  let best: Point[] = [];
  let widest = -Infinity;
  for (let attempt = 0; attempt < tries; attempt += 1) {
    const columns = Array.from({ length: dimensions }, (_, axis) =>
      permutation(count, ...names, attempt, axis).map((cell, row) => {
        const within = centred ? 0.5 : uniform(...names, attempt, axis, count + row);
        return (cell + within) / count;
      }),
    );
    const points = Array.from({ length: count }, (_, row) => columns.map((column) => column[row]!));
    const distance = tries === 1 ? 0 : nearestTwo(points);
    if (distance > widest) [best, widest] = [points, distance];
  }
  return best;
}

/** The squared distance of the nearest two; infinite for fewer. */
function nearestTwo(points: readonly Point[]): number {
  let nearest = Infinity;
  points.forEach((point, row) => {
    for (const other of points.slice(row + 1)) {
      const distance = point.reduce((sum, value, axis) => sum + (value - other[axis]!) ** 2, 0);
      nearest = Math.min(nearest, distance);
    }
  });
  return nearest;
}
