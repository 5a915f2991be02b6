import { latinHypercube } from '../latin-hypercube';
import { normalNumber } from '../random';
import { createSearch } from '../search';
import type { Search } from '../search';
import type { SearchOptions } from '../options';
import { cubeOf } from '../space';
import type { TestFunction } from './functions';
import { trueCurve } from './true-curve';

/** How the next settings are chosen; at `random` they are uniform, and a search only looks on. */
export const strategies = {
  interleaved: {},
  'interleaved, curves': { about: 'curves' },
  improve: { every: Infinity },
  explain: { every: 1 },
  'explain, curves': { every: 1, about: 'curves' },
  random: {},
} as const satisfies Readonly<Record<string, SearchOptions>>;

export type Strategy = keyof typeof strategies;

const NOISE_STREAM = 100;
const RANDOM_STREAM = 101;

/** Carries out a search of a function with noise, and shows it after every run. */
export function carryOut(
  tested: TestFunction,
  strategy: Strategy,
  { seed, runs }: { readonly seed: number; readonly runs: number },
  afterRun: (search: Search, run: number) => void = () => undefined,
): Search {
  const search = createSearch(tested.space, { ...strategies[strategy], seed });
  const cube = cubeOf(tested.space);
  for (let run = 0; run < runs; run += 1) {
    const drawn = () =>
      latinHypercube(1, cube.axes.length, { names: [seed, RANDOM_STREAM, run] })[0]!;
    const settings = strategy === 'random' ? cube.toSettings(drawn()) : search.suggest().settings;
    const luck = tested.noise * normalNumber(seed, NOISE_STREAM, run);
    search.observe(settings, tested.gain(settings) + luck, tested.noise);
    afterRun(search, run);
  }
  return search;
}

export interface Quality {
  /** The mean distance of the curves from the true ones, over their places and all keys. */
  readonly curveError: number;
  /** The share of places whose band holds the true curve; of 95 % bands, 0.95 is wished for. */
  readonly coverage: number;
  /** How far the gain of the best settings is below the largest there is. */
  readonly regret: number;
}

/** Measures searches of one function; the true curves are taken once. */
export function qualityOf(tested: TestFunction): (search: Search) => Quality {
  const known = new Map<string, number[]>();
  return (search) => {
    const places = Object.keys(tested.space).flatMap((key) => {
      const curve = search.partialDependence(key);
      const truth = known.get(key) ?? trueCurve(tested, key, curve.map(({ value }) => value)); // prettier-ignore
      known.set(key, truth);
      return curve.map((point, index) => ({ ...point, truth: truth[index]! }));
    });
    const mean = (values: number[]) =>
      values.reduce((sum, value) => sum + value, 0) / values.length;
    return {
      curveError: mean(places.map(({ mean, truth }) => Math.abs(mean - truth))),
      coverage: mean(places.map(({ low, high, truth }) => Number(low <= truth && truth <= high))),
      regret: tested.maximum - tested.gain(search.best()!.settings),
    };
  };
}
