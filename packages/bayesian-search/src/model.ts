import { chanceOfSuccess } from './chance-of-success';
import { covarianceOf } from './covariance';
import type { Hyperparameters } from './covariance';
import { fitHyperparameters, logPosteriorOf } from './fit';
import { drawHyperparameters } from './hyperparameter-draws';
import type { Point } from './latin-hypercube';
import { fromLogarithms } from './marginal-likelihood';
import type { Observation } from './observations';
import { posteriorOf } from './posterior';
import type { Belief, Posterior } from './posterior';
import type { Cube } from './space';

/** What the runs so far say, with gains shifted and scaled to mean 0 and variance 1. */
export interface Model {
  readonly posterior: Posterior;
  /** Of all runs. */
  readonly points: readonly Point[];
  /** The runs that gave a gain, by their numbers. */
  readonly successes: readonly number[];
  /** The variance of the noise that the next run is expected to have. */
  readonly noise: number;
  /** That a run at a point gives a gain. */
  readonly chance: (point: Point) => number;
  /** The same under other hyper-parameters that the runs allow, with their weights. */
  readonly alternatives: () => readonly Alternative[];
  /** In the gain's own units. */
  readonly toGain: (belief: Belief) => {
    readonly mean: number;
    readonly standardDeviation: number;
  };
}

/** Of gains with variance 1: more says nothing less, and would drown the others in rounding. */
const MOST_NOISE = 1e6;

export interface Alternative {
  readonly posterior: Posterior;
  readonly weight: number;
}

/** @param seed of the alternatives */
export function modelOf(cube: Cube, observations: readonly Observation[], seed: number): Model {
  const ordered = cube.axes.map((axis) => axis.ordered);
  const points = observations.map(({ settings }) => cube.toPoint(settings));
  const successes = observations.flatMap(({ gain }, run) => (gain === null ? [] : [run]));
  const gains = successes.map((run) => observations[run]!.gain!);
  const { shift, scale } = standardisation(gains);
  const measurements = {
    points: successes.map((run) => points[run]!),
    values: gains.map((gain) => (gain - shift) / scale),
    noise: successes.map((run) =>
      Math.min(MOST_NOISE, (observations[run]!.standardError / scale) ** 2),
    ),
  };
  const hyperparameters = fitHyperparameters(measurements, ordered);
  const posteriorUnder = (under: Hyperparameters) =>
    posteriorOf(covarianceOf(under, ordered), {
      ...measurements,
      noise: measurements.noise.map((variance) => variance + under.extraNoise),
    });
  const drawAlternatives = (): Alternative[] => {
    const { lengthScales, variance, extraNoise } = hyperparameters;
    const top = [...lengthScales, variance, extraNoise].map(Math.log);
    const draws = drawHyperparameters(logPosteriorOf(measurements, ordered), top, seed);
    return draws.map(({ logarithms, weight }) => ({
      posterior: posteriorUnder(fromLogarithms(logarithms)),
      weight,
    }));
  };
  let alternatives: Alternative[] | undefined;
  return {
    posterior: posteriorUnder(hyperparameters),
    alternatives: () => (alternatives ??= drawAlternatives()),
    points,
    successes,
    noise: median(measurements.noise) + hyperparameters.extraNoise,
    chance: chanceOfSuccess(
      points,
      observations.map(({ gain }) => gain === null),
      ordered,
    ),
    toGain: ({ mean, variance }) => ({
      mean: shift + scale * mean,
      standardDeviation: scale * Math.sqrt(variance),
    }),
  };
}

/** Where all gains are the same, or there are none, their unit stays. */
function standardisation(gains: readonly number[]) {
  if (gains.length === 0) return { shift: 0, scale: 1 };
  const first = gains[0]!;
  const shift = first + gains.reduce((sum, gain) => sum + (gain - first), 0) / gains.length;
  const away = gains.map((gain) => Math.abs(gain - shift));
  // Squares of what is not near 1 may be no numbers.
  const largest = away.reduce((most, distance) => Math.max(most, distance), 0);
  if (largest === 0) return { shift, scale: 1 };
  const squares = away.reduce((sum, distance) => sum + (distance / largest) ** 2, 0);
  return { shift, scale: largest * Math.sqrt(squares / gains.length) };
}

/** The upper one of two in the middle; 0 of none. */
function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}
