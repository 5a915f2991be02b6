import { normalDensity, normalProbability } from './normal';
import type { Belief } from './posterior';

/**
 * Expected improvement for maximisation (Jones, Schonlau and Welch 1998): E max(f − best, 0) = Δ Φ(Δ/σ) + σ φ(Δ/σ), Δ = μ − best.
 *
 * Under noise, `best` is to be the largest posterior mean among the runs, not the largest gain that was measured, which is the
 * luckiest.
 */
export function expectedImprovement({ mean, variance }: Belief, best: number): number {
  const difference = mean - best;
  const deviation = Math.sqrt(variance);
  if (deviation === 0) return Math.max(0, difference);
  const z = difference / deviation;
  // What is left of two numbers that all but cancel is not below 0.
  return Math.max(0, difference * normalProbability(z) + deviation * normalDensity(z));
}
