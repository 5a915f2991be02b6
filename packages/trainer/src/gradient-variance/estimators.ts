/** The estimators of the policy gradient that are compared: what a reward counts, and the variance where theory gives it. */
import { groupMean, leaveOneOut, noBaseline } from '@loop-diffusion/advantage-estimators';

import type { ScoreMoments } from './score-moments';
import { baselineVariance, leaveOneOutVariance } from './theory';

export interface Estimator {
  readonly name: string;
  /** Whether images are compared in groups of k; otherwise k makes no difference but for the prompts. */
  readonly grouped: boolean;
  /**
   * @param rewards of a group, `[k]`
   * @param baseline the mean reward of the other prompts
   * @returns A_i of the gradient (1/k) Σ A_i s_i, `[k]`
   */
  advantages(rewards: readonly number[], baseline: number): readonly number[];
  /** E[gradient] as a multiple of the policy gradient; undefined where it is another vector. */
  scale(k: number): number | undefined;
  /** Of the trace of the covariance over groups of one prompt; undefined where there is no closed form. */
  theory?(moments: ScoreMoments, k: number, baseline: number): number;
}

/** What the others are compared with. */
export const REINFORCE: Estimator = {
  name: 'REINFORCE',
  grouped: false,
  advantages: (rewards) => one(noBaseline([rewards])),
  scale: () => 1,
  theory: (moments, k) => baselineVariance(moments, 0) / k,
};

export const ESTIMATORS: readonly Estimator[] = [
  REINFORCE,
  {
    name: 'batch mean',
    grouped: false,
    // Of the other prompts alone, so that it stays unbiased; of a batch of many prompts it is the same.
    advantages: (rewards, baseline) => rewards.map((reward) => reward - baseline),
    scale: () => 1,
    theory: (moments, k, baseline) => baselineVariance(moments, baseline) / k,
  },
  {
    name: 'leave-one-out',
    grouped: true,
    advantages: (rewards) => one(leaveOneOut([rewards])),
    scale: () => 1,
    theory: leaveOneOutVariance,
  },
  {
    name: 'per-prompt mean',
    grouped: true,
    // Leave-one-out times (k − 1)/k.
    advantages: (rewards) => one(groupMean([rewards])),
    scale: (k) => (k - 1) / k,
    theory: (moments, k) => ((k - 1) / k) ** 2 * leaveOneOutVariance(moments, k),
  },
  {
    name: 'group deviation',
    grouped: true,
    // GRPO (arXiv 2402.03300)
    advantages: (rewards) => one(groupMean([rewards], { std: 'population' })),
    scale: () => undefined,
  },
];

function one<Row>([row]: readonly Row[]): Row {
  return row!;
}
