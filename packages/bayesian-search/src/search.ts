import { expectedImprovement } from './expected-improvement';
import { informationGain } from './information-gain';
import { latinHypercube } from './latin-hypercube';
import type { Point } from './latin-hypercube';
import { maximise } from './maximise';
import { modelOf } from './model';
import type { Model } from './model';
import { observationOf, readState } from './observations';
import type { Observation, SearchState } from './observations';
import { planOf } from './options';
import type { SearchOptions } from './options';
import { curveOf, linesOf } from './partial-dependence';
import type { CurvePoint } from './partial-dependence';
import { permutation, streams } from './random';
import { cubeOf } from './space';
import type { Settings, Space } from './space';

export interface Suggestion {
  readonly settings: Settings;
  /** Why: one of the runs that begin, the largest expected improvement, or the most information about the curves. */
  readonly purpose: 'start' | 'improve' | 'explain';
}

export interface Best {
  readonly settings: Settings;
  /** The number of the run, from 0, in the order of observation. */
  readonly run: number;
  /** What is believed of it from all runs: nearer to the truth than what was measured, which was also luck. */
  readonly mean: number;
  readonly standardDeviation: number;
}

export interface Search {
  /** What to run next: a function of space, options and observations, the same until the next observation. */
  suggest(): Suggestion;
  /**
   * Takes a run in, suggested or not.
   *
   * @param gain the larger the better; `null` or not finite when the run failed, which keeps the search away from there
   * @param standardError of the gain, ≥ 0; scatter between runs beyond it is estimated
   * @throws RangeError when the settings are not of the space or the standard error is none; nothing is taken in then
   */
  observe(settings: Settings, gain: number | null, standardError?: number): void;
  /** The run with the largest posterior mean; undefined while none has succeeded. */
  best(): Best | undefined;
  /**
   * The partial dependence of the gain on a key, whether it is explained or not.
   *
   * @returns along the key; empty while no run has succeeded
   * @throws RangeError when there is no such key
   */
  partialDependence(key: string): CurvePoint[];
  /** To be given to `createSearch` with the same space and options, which then goes on. */
  toJSON(): SearchState;
}

/** How many points of the curves' paths a turn takes. */
const PATH_POINTS = 100;

/**
 * A search for the best settings that also explains them (arXiv 2206.05447): Bayesian optimisation in whose turns expected
 * improvement and the expected information about the partial dependence curves alternate.
 *
 * @param space the keys to be set
 * @param state of a search that goes on, from `toJSON`
 * @throws RangeError when the space, an option or an observation is not what it must be
 */
export function createSearch(
  space: Space,
  options: SearchOptions = {},
  state: SearchState = { observations: [] },
): Search {
  const cube = cubeOf(space);
  const plan = planOf(space, options);
  const { seed, grid } = plan;
  const axes = cube.axes.length;
  const observations: Observation[] = [];
  let model: Model | undefined;
  const currentModel = () => (model ??= modelOf(cube, observations, seed));

  // The same for the whole search, so that curves of two turns can be compared.
  const others = latinHypercube(plan.points, axes, {
    names: [seed, streams.others],
    centred: true,
  }).map(cube.snap);
  const linesOfKey = (key: string) => linesOf(cube, cube.keys.indexOf(key), others, grid);

  function observe(settings: Settings, gain: number | null, standardError = 0): void {
    cube.toPoint(settings);
    observations.push(observationOf({ ...settings }, gain, standardError));
    model = undefined;
  }

  function startingPoint(run: number): Point {
    const design = latinHypercube(plan.start, axes, {
      names: [seed, streams.start],
      centred: true,
      tries: 32,
    });
    return cube.snap(design[run]!);
  }

  function information(turn: number): (point: Point) => number {
    const { posterior, noise } = currentModel();
    const gains = plan.explain.map((key, index) => {
      const lines = linesOfKey(key).points;
      const path = lines.flat();
      const order = permutation(path.length, seed, streams.path, turn, index);
      const sets =
        plan.about === 'curves'
          ? lines
          : order.slice(0, PATH_POINTS).map((place) => [path[place]!]);
      return informationGain(posterior, sets, noise);
    });
    return (point) => gains.reduce((sum, gain) => sum + gain(point), 0);
  }

  function improvement(): (point: Point) => number {
    const { posterior, points, successes } = currentModel();
    const means = successes.map((run) => posterior.at(points[run]!).mean);
    const incumbent = Math.max(...means);
    return (point) => expectedImprovement(posterior.at(point), incumbent);
  }

  /** While all runs have failed the next ones begin, too, away from the failures. */
  function purposeOf(turn: number): Suggestion['purpose'] {
    if (currentModel().successes.length === 0) return 'start';
    return turn % plan.every === 0 ? 'explain' : 'improve';
  }

  function suggest(): Suggestion {
    const run = observations.length;
    if (run < plan.start) {
      return { settings: cube.toSettings(startingPoint(run)), purpose: 'start' };
    }
    const turn = run - plan.start + 1;
    const { chance, points } = currentModel();
    const purpose = purposeOf(turn);
    const value = { start: () => () => 1, improve: improvement, explain: information }[purpose];
    const score = value(turn);
    const point = maximise(cube, (at) => score(at) * chance(at), {
      beside: points,
      names: [seed, streams.candidates, turn],
    });
    return { settings: cube.toSettings(point), purpose };
  }

  function best(): Best | undefined {
    const { posterior, points, successes, toGain } = currentModel();
    const believed = successes.map((run) => ({ run, belief: posterior.at(points[run]!) }));
    if (believed.length === 0) return undefined;
    const { run, belief } = believed.reduce((top, other) =>
      other.belief.mean > top.belief.mean ? other : top,
    );
    return { settings: { ...observations[run]!.settings }, run, ...toGain(belief) };
  }

  function partialDependence(key: string): CurvePoint[] {
    const axis = cube.keys.indexOf(key);
    if (axis < 0) {
      throw new RangeError(`${key} is no key of the space, which has ${cube.keys.join(', ')}.`);
    }
    const { successes } = currentModel();
    if (successes.length === 0) return [];
    return curveOf(currentModel(), cube.axes[axis]!, linesOfKey(key));
  }

  for (const { settings, gain, standardError } of readState(state)) {
    observe(settings, gain, standardError);
  }

  return {
    suggest,
    observe,
    best,
    partialDependence,
    toJSON: () => ({
      observations: observations.map((each) => ({ ...each, settings: { ...each.settings } })),
    }),
  };
}
