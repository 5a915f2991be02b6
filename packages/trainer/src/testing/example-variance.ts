/** A measurement of gradients that never was. */
import type { GradientVarianceResult } from '../api/gradient-variance';
import type { Estimate } from '../gradient-variance/bootstrap';
import type { EstimatorVariance } from '../gradient-variance/gradient-variance';

const around = (value: number): Estimate => ({ value, low: 0.9 * value, high: 1.1 * value });

function row(
  estimator: string,
  k: number | null,
  relative: number,
  isKnown = true,
): EstimatorVariance {
  return {
    ...{ estimator, k, variance: around(0.02 * relative), relative: around(relative) },
    withPrompts: isKnown ? around(1.05 * relative) : null,
    atEqualLength: around(relative),
    theory: isKnown ? { variance: 0.02 * relative, relative } : null,
    toTheory: isKnown ? around(1) : null,
    fromRewards: isKnown ? 0.95 * relative : null,
  };
}

export function exampleVariance(
  more: Partial<GradientVarianceResult> = {},
): GradientVarianceResult {
  return {
    ...{ run: 'runs/a_b', iterations: 25, seed: 0, leftOut: 0, weights: 1000, steps: 8 },
    ...{ prompts: 64, images: 16 },
    reward: { mean: 0.6, variance: 0.05, betweenPrompts: 0.03 },
    meanScore: { value: 1e-4, low: -2e-4, high: 4e-4 },
    ...{ score: around(0.04), gradient: around(1e-4), betweenPrompts: around(2e-4) },
    estimators: [
      row('REINFORCE', null, 1),
      row('batch mean', null, 0.2),
      row('leave-one-out', 2, 0.25),
      row('leave-one-out', 4, 0.17),
      row('group deviation', 2, 4, false),
      row('group deviation', 4, 3, false),
    ],
    ...more,
  };
}
