import { latinHypercube } from './latin-hypercube';
import type { Point } from './latin-hypercube';
import type { Cube } from './space';

const CANDIDATES = 256;
const CLIMBS = 4;
/** In the cube; the last is as near as two settings are worth telling apart. */
const STEPS = [0.1, 0.03, 0.01];
const MOST_MOVES = 100;

/**
 * Seeks the point with the largest score: a Latin hypercube of candidates, and from the best of them steps along the axes, ever
 * shorter ones, as long as they lead up. Of equal scores the first is taken, so that the result depends on nothing else.
 *
 * @param beside points to start from as well
 * @param names of the random numbers
 */
export function maximise(
  cube: Cube,
  score: (point: Point) => number,
  { beside, names }: { readonly beside: readonly Point[]; readonly names: readonly number[] },
): Point {
  const scored = (point: Point) => ({ point, score: score(point) });
  const drawn = latinHypercube(CANDIDATES, cube.axes.length, { names });
  const candidates = [...drawn.map(cube.snap), ...beside].map(scored);
  candidates.sort((a, b) => b.score - a.score);
  const tops = candidates.slice(0, CLIMBS).map((start) => {
    let current = start;
    for (const step of STEPS) {
      for (let move = 0; move < MOST_MOVES; move += 1) {
        const next = neighboursOf(cube, current.point, step)
          .map(scored)
          .reduce((best, other) => (other.score > best.score ? other : best), current);
        if (next === current) break;
        current = next;
      }
    }
    return current;
  });
  return tops.reduce((best, other) => (other.score > best.score ? other : best)).point;
}

function neighboursOf(cube: Cube, point: Point, step: number): Point[] {
  return cube.axes.flatMap((axis, index) =>
    axis.neighbours(point[index]!, step).map((coordinate) => point.with(index, coordinate)),
  );
}
