/** Before the first step of an update the policy that learns is the one that sampled: every ratio is 1. */
import { assertRatioIsOne } from '@loop-diffusion/ppo-objective';

import type { PairReport } from './read-chunks';

/** Log-probabilities of batches of other sizes agree to 2e-6 in float32, which nothing narrower than this could tell apart. */
const NARROWEST = 1e-5;
/** A policy that differs is off by far more than this. */
const WIDEST = 5e-5;
/** An error of so much of the clip range would shift what the clip does, and not be seen in any figure. */
const PART_OF_CLIP_RANGE = 0.1;

export function isFinitePair({ logProb, oldLogProb }: PairReport): boolean {
  return Number.isFinite(logProb) && Number.isFinite(oldLogProb);
}

/**
 * Log-ratios that count as 0. Log-probabilities are means over a latent's numbers, and so is the clip range in proportion: for
 * Stable Diffusion XL it is no wider than {@link WIDEST}.
 */
export function onPolicyTolerance(clipRange: number): number {
  return Math.min(Math.max(PART_OF_CLIP_RANGE * clipRange, NARROWEST), WIDEST);
}

/** @throws Error when a ratio is not 1 */
export function checkOnPolicy(pairs: readonly PairReport[], clipRange: number): void {
  assertRatioIsOne(
    pairs.map((pair) => pair.logProb),
    pairs.map((pair) => pair.oldLogProb),
    onPolicyTolerance(clipRange),
  );
}
