import * as tf from '@tensorflow/tfjs-core';
import { checkGradients } from './check-gradients';
import { reduce } from './reduction';
import type { Reduced, Reducible, Reduction } from './reduction';
import { checkPositive, checkRows, toVector } from './vector';

export interface DirectPreferenceInput<R extends Reduction = 'mean'> extends Reducible<R> {
  /** Δ_w = log p_θ − log p_ref of the preferred row of each pair, `[rows]`, differentiable. */
  readonly winnerLogRatio: tf.Tensor1D;
  /** Δ_l, the same of the rejected row, `[rows]`, differentiable. */
  readonly loserLogRatio: tf.Tensor1D;
  /** log p_θ of the preferred row, `[rows]`, differentiable; needed with a `sftWeight`. */
  readonly winnerLogProb?: tf.Tensor1D | undefined;
  /** β > 0. */
  readonly beta: number;
  /** η ≥ 0, weight of the imitation of preferred rows; 0, that is DPO, when left out. */
  readonly sftWeight?: number | undefined;
}

/**
 * Direct preference optimisation (DPO, arXiv 2305.18290) and its regularised form (RPO, arXiv 2405.16436; weights as in its
 * summed trainer) as a loss per pair: −log σ(β(Δ_w − Δ_l)) − ηβ log p_w. The imitation raises the winner's probability also where
 * DPO alone lets both fall.
 *
 * On single denoise steps, as here, it is a translation of ours (derived): published β belong to summed log-probabilities and
 * are far too small for averages over the dimensions. `diffusionPreference` of denoising-objectives is the published form for
 * diffusion models.
 *
 * @returns the loss, to be minimised
 * @throws Error when the shapes differ or a `sftWeight` has no `winnerLogProb`; RangeError when `beta` is not positive or
 *   `sftWeight` negative
 */
export function directPreference<R extends Reduction = 'mean'>({
  winnerLogRatio,
  loserLogRatio,
  winnerLogProb,
  beta,
  sftWeight = 0,
  reduction,
}: DirectPreferenceInput<R>): Reduced<R> {
  checkGradients();
  checkPositive('beta', beta);
  checkPositive('sftWeight', sftWeight, { orZero: true });
  const rows = winnerLogRatio.shape[0];
  checkRows(rows);
  return tf.tidy(() => {
    const loser = toVector('loserLogRatio', loserLogRatio, rows, 'winnerLogRatio');
    // −log σ(x) = softplus(−x)
    const preference: tf.Tensor1D = tf.softplus(tf.mul(tf.sub(winnerLogRatio, loser), -beta));
    if (sftWeight === 0) return reduce(preference, reduction);
    if (winnerLogProb === undefined) {
      throw new Error(
        `A sftWeight of ${sftWeight} imitates the preferred rows: give their winnerLogProb, or leave sftWeight out.`,
      );
    }
    const winner = toVector('winnerLogProb', winnerLogProb, rows, 'winnerLogRatio');
    return reduce(tf.sub(preference, tf.mul(winner, sftWeight * beta)), reduction);
  });
}
