/** Before the first step of an update the policy that learns is the one that sampled: every ratio is 1. */
import { assertRatioIsOne } from '@loop-diffusion/ppo-objective';

import type { PairReport } from './chunk-gradient';

/** Log-probabilities of batches of other sizes agree to 2e-6 in float32; a policy that differs is off by far more than this. */
const LOG_RATIO_NOISE = 5e-5;

export function isFinitePair({ logProb, oldLogProb }: PairReport): boolean {
  return Number.isFinite(logProb) && Number.isFinite(oldLogProb);
}

/** @throws Error when a ratio is not 1 */
export function checkOnPolicy(pairs: readonly PairReport[]): void {
  assertRatioIsOne(
    pairs.map((pair) => pair.logProb),
    pairs.map((pair) => pair.oldLogProb),
    LOG_RATIO_NOISE,
  );
}
