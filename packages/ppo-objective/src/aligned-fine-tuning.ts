import * as tf from '@tensorflow/tfjs-core';
import { checkGradients } from './check-gradients';
import { reduce } from './reduction';
import type { Reduced, Reducible, Reduction } from './reduction';
import { checkPositive, checkRows, toVector } from './vector';
import type { Vector } from './vector';

export interface AlignedFineTuningInput<R extends Reduction = 'mean'> extends Reducible<R> {
  /** log p_θ, `[rows]`, differentiable. */
  readonly logProb: tf.Tensor1D;
  /** o, `[rows]`, differentiable: `logOdds` of `logProb`, or log p_θ − log p_ref. */
  readonly logOdds: tf.Tensor1D;
  /** `[rows]`, constants: 1 for preferred rows, −1 for rejected ones; 0 costs nothing. */
  readonly preferences: Vector;
  /** λ ≥ 0, weight of the alignment; the code that was read has 1. */
  readonly lambda: number;
  /** Factor on o, > 0; 1 is the paper's. With o against a reference and log-probabilities averaged over D, take it large. */
  readonly beta: number;
  /** Weight of the likelihood of preferred rows, ≥ 0; 1 is the paper's. */
  readonly sftWeight: number;
}

/**
 * Aligned supervised fine-tuning (ASFT, arXiv 2409.10571, objective as restated in 2502.01237) as a loss per row:
 * −sftWeight log p + λ softplus(−βo) of a preferred row, λ softplus(βo) of a rejected one. With β = 1 and o the log-odds of p a
 * pair has −(sftWeight + λ) log p_w − λ log(1 − p_l).
 *
 * Neither row's slope depends on the other row, unlike DPO's: each is scored in its own state. p is a probability's size, such
 * as `gaussianKernelLogProb` gives (derived); a loser's slope grows without bound as p comes near 1.
 *
 * @returns the loss, to be minimised; a mean is over all rows, those of no preference included
 * @throws Error when the shapes differ; RangeError when a weight or `beta` is out of range
 */
export function alignedFineTuning<R extends Reduction = 'mean'>({
  logProb,
  logOdds,
  preferences,
  lambda,
  beta,
  sftWeight,
  reduction,
}: AlignedFineTuningInput<R>): Reduced<R> {
  checkGradients();
  checkPositive('lambda', lambda, { orZero: true });
  checkPositive('beta', beta);
  checkPositive('sftWeight', sftWeight, { orZero: true });
  const rows = logProb.shape[0];
  checkRows(rows);
  return tf.tidy(() => {
    const preference = toVector('preferences', preferences, rows);
    const odds = toVector('logOdds', logOdds, rows);
    // −λ log σ(±βo), and nothing where there is no preference
    const surprise = tf.softplus(tf.mul(tf.mul(odds, preference), -beta));
    const alignment = tf.mul(tf.mul(tf.abs(preference), surprise), lambda);
    const imitation = tf.mul(tf.mul(tf.relu(preference), logProb), sftWeight);
    return reduce(tf.sub(alignment, imitation), reduction);
  });
}
