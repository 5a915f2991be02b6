import * as tf from '@tensorflow/tfjs-core';
import { checkGradients } from './check-gradients';
import { exponential } from './policy-ratio';
import { checkShiftRows, shiftDivergence } from './shift-divergence';
import { toVector } from './vector';
import type { Vector } from './vector';

export interface GuardedRatioInput {
  /** log p_θ, `[rows]`, differentiable. */
  readonly logProb: tf.Tensor1D;
  /** log p_old of the same transitions, `[rows]`, constants. */
  readonly oldLogProb: Vector;
  /** μ_θ − μ_old, `[rows, …]`, differentiable. */
  readonly meanShift: tf.Tensor;
  /** s > 0, the step's standard deviation: one for all rows, or one per row, `[rows]`. */
  readonly sigma: number | Vector;
}

/**
 * GRPO-Guard's ratio (arXiv 2510.22319): ρ′ = exp(s (Δ + b)) with Δ = log p_θ − log p_old and b = mean(Δμ²)/(2s²) of each row,
 * clamped as `policyRatio`. It goes where ρ went: into `clippedSurrogate`, `sampleDropoutMask` or `divergenceMask`.
 *
 * b undoes the shift of Δ to negative values: with the noise z that was drawn, ρ′ = exp(mean(Δμ z)), whose exponent has mean 0
 * (derived), and s takes out that steps of little noise have wide ratios. The released code averages s and b over the batch; a
 * value per row is what the formula means. The published loss is divided by |dt| as well, which is left to the caller.
 *
 * @returns ρ′, `[rows]`; without meaning where a σ in a tensor is not positive
 * @throws Error when the shapes do not fit; RangeError when a σ given as a number is not positive
 */
export function guardedRatio({
  logProb,
  oldLogProb,
  meanShift,
  sigma,
}: GuardedRatioInput): tf.Tensor1D {
  checkGradients();
  const rows = logProb.shape[0];
  checkShiftRows(meanShift, rows, 'logProb');
  return tf.tidy(() => {
    const offset = shiftDivergence('meanShift', meanShift, sigma);
    const logRatio = tf.sub(logProb, toVector('oldLogProb', oldLogProb, rows));
    const deviation = typeof sigma === 'number' ? sigma : toVector('sigma', sigma, rows);
    return exponential(tf.mul(tf.add(logRatio, offset), deviation));
  });
}
