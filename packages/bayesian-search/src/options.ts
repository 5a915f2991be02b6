import type { Space } from './space';

export interface SearchOptions {
  /** Of all random numbers, a whole number; 0 when left out. */
  readonly seed?: number;
  /** How many runs begin the search, spread over the space; 2 per key when left out. */
  readonly start?: number;
  /**
   * Every so many turns after the start, a run is chosen for what it tells of the curves, the others for the gain that is expected
   * of them. 2 when left out; 1 explains only, `Infinity` only improves.
   */
  readonly every?: number;
  /** The keys whose curves are wanted; all when left out. */
  readonly explain?: readonly string[];
  /**
   * What an explaining run is to tell of: points of the curves' paths, a hundred per key and turn, as published; or the curves
   * themselves, whose averages are normal as well, at more arithmetic per turn. `path` when left out.
   */
  readonly about?: 'path' | 'curves';
  /** How many places a curve is drawn at, ≥ 2; 20 when left out. */
  readonly grid?: number;
  /** How many settings of the other keys a curve is averaged over; 50 when left out. */
  readonly points?: number;
}

/** What a search goes by. */
export type SearchPlan = Required<SearchOptions>;

/** @throws RangeError when an option is not what it must be */
export function planOf(space: Space, options: SearchOptions): SearchPlan {
  const keys = Object.keys(space);
  const { seed = 0, start = 2 * keys.length, every = 2, explain = keys } = options;
  const { about = 'path', grid = 20, points = 50 } = options;
  checkWhole('seed', seed, -(2 ** 31));
  checkWhole('start', start, 1);
  if (every !== Infinity) checkWhole('every', every, 1, ', or Infinity for no turns that explain');
  if (!['path', 'curves'].includes(about)) {
    throw new RangeError(`about must be path or curves, got ${about}.`);
  }
  checkWhole('grid', grid, 2);
  checkWhole('points', points, 1);
  const unknown = explain.find((key) => !keys.includes(key));
  if (unknown !== undefined) {
    throw new RangeError(
      `explain: ${unknown} is no key of the space, which has ${keys.join(', ')}.`,
    );
  }
  if (explain.length === 0 && every !== Infinity) {
    throw new RangeError(
      'explain names no key. Name one, leave it out for all, or set every to Infinity.',
    );
  }
  return { seed, start, every, explain, about, grid, points };
}

function checkWhole(name: string, value: number, least: number, or = ''): void {
  if (!(Number.isInteger(value) && value >= least && value < 2 ** 32)) {
    throw new RangeError(`${name} must be a whole number of at least ${least}${or}, got ${value}.`);
  }
}
