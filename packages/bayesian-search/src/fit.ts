import type { Hyperparameters } from './covariance';
import { fromLogarithms, marginalLikelihood } from './marginal-likelihood';
import type { LogHyperparameters, ValueAndGradient } from './marginal-likelihood';
import type { Measurements } from './posterior';
import { climb } from './rprop';

/** Normal, of a logarithm. */
interface Prior {
  readonly mean: number;
  readonly deviation: number;
}

/**
 * Ours: of values with variance 1 over a unit cube. A length-scale grows with the root of the number of keys, as distances in the
 * cube do; the data of a handful of runs say little, and then all keys are alike.
 */
const priorOf = (axes: number): Prior[] => [
  ...Array.from({ length: axes }, () => ({ mean: Math.log(0.5 * Math.sqrt(axes)), deviation: 1 })),
  { mean: 0, deviation: 1 },
  { mean: Math.log(1e-3), deviation: 2 },
];

const boundsOf = (axes: number) => ({
  low: [...Array<number>(axes).fill(0.03), 0.01, 1e-6].map(Math.log),
  high: [...Array<number>(axes).fill(30), 30, 1].map(Math.log),
});

/** Where to start to climb, in deviations of the prior: of the length-scales, the variance and the extra noise. */
const STARTS = [
  [0, 0, 0],
  [-1, 0, 0],
  [1, 0, 1],
  [0, 0, 1.5],
] as const;

/** log p(y | θ) + log p(θ), without the prior's constant. */
export function logPosteriorOf(
  measurements: Measurements,
  ordered: readonly boolean[],
): (logarithms: LogHyperparameters) => ValueAndGradient {
  const likelihood = marginalLikelihood(measurements, ordered);
  const prior = priorOf(ordered.length);
  return (logarithms) => {
    const { value, gradient } = likelihood(logarithms);
    const away = prior.map(({ mean, deviation }, index) => (logarithms[index]! - mean) / deviation);
    return {
      value: value - 0.5 * away.reduce((sum, deviations) => sum + deviations ** 2, 0),
      gradient: gradient.map((slope, index) => slope - away[index]! / prior[index]!.deviation),
    };
  };
}

/**
 * The hyper-parameters of the largest posterior density (in their logarithms), the best of four climbs from fixed starts: the
 * same measurements, the same hyper-parameters.
 *
 * @param measurements values of mean 0 and variance 1; none at all give the prior's
 */
export function fitHyperparameters(
  measurements: Measurements,
  ordered: readonly boolean[],
): Hyperparameters {
  const axes = ordered.length;
  const prior = priorOf(axes);
  const starts = STARTS.map(([lengths, variance, noise]) =>
    prior.map(({ mean, deviation }, index) => {
      const deviations = [lengths, variance, noise][Math.max(0, index - axes + 1)]!;
      return mean + deviations * deviation;
    }),
  );
  if (measurements.points.length === 0) return fromLogarithms(starts[0]!);
  const objective = logPosteriorOf(measurements, ordered);
  const climbs = starts.map((start) => climb(objective, start, boundsOf(axes)));
  return fromLogarithms(climbs.reduce((best, next) => (next.value > best.value ? next : best)).at);
}
