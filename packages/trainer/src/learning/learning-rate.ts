import type { TrainConfig } from '../configuration/schema';

/**
 * Learning rate of one iteration: a linear rise over `warmupIterations`, then the schedule from `learningRate` down to
 * `learningRate · finalLearningRateFraction` at the last iteration.
 *
 * @param iteration counted from 0
 * @param iterations of the whole run
 */
export function learningRateAt(
  optimizer: TrainConfig['optimizer'],
  iteration: number,
  iterations: number,
): number {
  const { learningRate, schedule, warmupIterations, finalLearningRateFraction: final } = optimizer;
  if (iteration < warmupIterations)
    return (learningRate * (iteration + 1)) / (warmupIterations + 1);
  if (schedule === 'constant') return learningRate;
  const last = Math.max(iterations - 1 - warmupIterations, 1);
  const progress = Math.min((iteration - warmupIterations) / last, 1);
  const remaining = schedule === 'linear' ? 1 - progress : (1 + Math.cos(Math.PI * progress)) / 2;
  return learningRate * (final + (1 - final) * remaining);
}
