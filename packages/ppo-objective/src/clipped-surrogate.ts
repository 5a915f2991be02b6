import * as tf from '@tensorflow/tfjs-core';
import { checkGradients } from './check-gradients';
import { checkClipRange } from './clip-range';
import { policyRatio } from './policy-ratio';
import { reduce } from './reduction';
import type { Reduced, Reducible, Reduction } from './reduction';
import { checkRows, toVector } from './vector';
import type { Vector } from './vector';

/** ρ is made of log-probabilities, or was worked out elsewhere. */
type RatioInput =
  | {
      /** log p_θ, `[rows]`, differentiable. */
      readonly logProb: tf.Tensor1D;
      /** log p_old of the same transitions, `[rows]`, constants. */
      readonly oldLogProb: Vector;
      readonly ratio?: undefined;
    }
  | {
      /** ρ, `[rows]`, differentiable, such as `guardedRatio` gives; log-probabilities beside it are not looked at. */
      readonly ratio: tf.Tensor1D;
      readonly logProb?: tf.Tensor1D | undefined;
      readonly oldLogProb?: Vector | undefined;
    };

export type ClippedSurrogateInput<R extends Reduction = 'mean'> = Reducible<R> &
  RatioInput & {
    /** A, `[rows]`, constants. */
    readonly advantages: Vector;
    /**
     * ε > 0: ratios outside 1 ± ε earn nothing more; `Infinity` for no clip. One for all rows (see `scaleClipRange`), or a tensor
     * `[rows]`, whose values are not checked.
     */
    readonly clipRange: number | tf.Tensor1D;
    /** Advantages are clamped to ± this, > 0; left alone when left out. */
    readonly advantageClip?: number | undefined;
  };

/**
 * PPO's pessimistic surrogate (arXiv 1707.06347, eq. 7) as a loss: max(−A ρ, −A clip(ρ, 1−ε, 1+ε)) with
 * ρ = exp(log p_θ − log p_old).
 *
 * The maximum matters: it zeroes the gradient only where the ratio has already moved the way its advantage asks for
 * (A > 0 and ρ > 1+ε, or A < 0 and ρ < 1−ε). Rows that moved the wrong way keep theirs.
 *
 * With one leave-one-out advantage for all denoise steps of a trajectory this is LOOP (arXiv 2503.00897), which sums over the
 * steps: the mean over samples · steps rows times the number of steps.
 *
 * @returns the loss, to be minimised
 * @throws Error when the shapes differ; RangeError when `clipRange` or `advantageClip` is a number that is not positive
 */
export function clippedSurrogate<R extends Reduction = 'mean'>(
  input: ClippedSurrogateInput<R>,
): Reduced<R> {
  const { advantages, clipRange, advantageClip, reduction } = input;
  checkGradients();
  if (typeof clipRange === 'number' && clipRange !== Infinity) checkClipRange(clipRange);
  if (advantageClip !== undefined && !(advantageClip > 0)) {
    throw new RangeError(
      `advantageClip must be a number above 0, got ${advantageClip}. Leave it out for no clip.`,
    );
  }
  const [like, rows] =
    input.ratio === undefined
      ? ['logProb', input.logProb.shape[0]]
      : ['ratio', input.ratio.shape[0]];
  checkRows(rows);
  return tf.tidy(() => {
    const given = toVector('advantages', advantages, rows, like);
    const advantage =
      advantageClip === undefined ? given : tf.clipByValue(given, -advantageClip, advantageClip);
    const ratio =
      input.ratio ?? policyRatio(input.logProb, toVector('oldLogProb', input.oldLogProb, rows));
    const range =
      typeof clipRange === 'number' ? clipRange : toVector('clipRange', clipRange, rows, like);
    // −min(A ρ, A clip(ρ)). Where both are equal tf.maximum hands the gradient to its first argument, the unclipped one.
    const loss = tf.neg(tf.mul(advantage, ratio));
    const clippedLoss = tf.neg(tf.mul(advantage, clipToRange(ratio, range)));
    return reduce(tf.maximum(loss, clippedLoss), reduction);
  });
}

/** clip(ρ, 1−ε, 1+ε) */
function clipToRange(ratio: tf.Tensor1D, range: number | tf.Tensor1D): tf.Tensor1D {
  if (typeof range === 'number') return tf.clipByValue(ratio, 1 - range, 1 + range);
  return tf.maximum(tf.minimum(ratio, tf.add(1, range)), tf.sub(1, range));
}
