import * as tf from '@tensorflow/tfjs-core';
import { checkGradients } from './check-gradients';
import { checkClipRange } from './clip-range';
import { policyRatio } from './policy-ratio';
import { checkRows, toVector } from './vector';
import type { Vector } from './vector';

export interface ClippedSurrogateInput {
  /** log p_θ, `[rows]`, differentiable. */
  readonly logProb: tf.Tensor1D;
  /** log p_old of the same transitions, `[rows]`, constants. */
  readonly oldLogProb: Vector;
  /** A, `[rows]`, constants. */
  readonly advantages: Vector;
  /** ε > 0: ratios outside 1 ± ε earn nothing more. See `scaleClipRange`. */
  readonly clipRange: number;
  /** Advantages are clamped to ± this, > 0; left alone when left out. */
  readonly advantageClip?: number | undefined;
}

/**
 * PPO's pessimistic surrogate (arXiv 1707.06347, eq. 7) as a loss: mean over rows of max(−A ρ, −A clip(ρ, 1−ε, 1+ε)) with
 * ρ = exp(log p_θ − log p_old).
 *
 * The maximum matters: it zeroes the gradient only where the ratio has already moved the way its advantage asks for
 * (A > 0 and ρ > 1+ε, or A < 0 and ρ < 1−ε). Rows that moved the wrong way keep theirs.
 *
 * With one leave-one-out advantage for all denoise steps of a trajectory this is LOOP (arXiv 2503.00897), which sums over the
 * steps: the mean over samples · steps rows times the number of steps.
 *
 * @returns the loss, to be minimised
 * @throws Error when the shapes differ; RangeError when `clipRange` or `advantageClip` is not positive
 */
export function clippedSurrogate({
  logProb,
  oldLogProb,
  advantages,
  clipRange,
  advantageClip,
}: ClippedSurrogateInput): tf.Scalar {
  checkGradients();
  checkClipRange(clipRange);
  if (advantageClip !== undefined && !(advantageClip > 0)) {
    throw new RangeError(
      `advantageClip must be a number above 0, got ${advantageClip}. Leave it out for no clip.`,
    );
  }
  const rows = logProb.shape[0];
  checkRows(rows);
  return tf.tidy(() => {
    const given = toVector('advantages', advantages, rows);
    const advantage =
      advantageClip === undefined ? given : tf.clipByValue(given, -advantageClip, advantageClip);
    const ratio = policyRatio(logProb, toVector('oldLogProb', oldLogProb, rows));
    const clippedRatio = tf.clipByValue(ratio, 1 - clipRange, 1 + clipRange);
    // −min(A ρ, A clip(ρ)). Where both are equal tf.maximum hands the gradient to its first argument, the unclipped one.
    const loss = tf.neg(tf.mul(advantage, ratio));
    const clippedLoss = tf.neg(tf.mul(advantage, clippedRatio));
    return tf.mean(tf.maximum(loss, clippedLoss));
  });
}
