import * as tf from '@tensorflow/tfjs-core';
import { checkGradients } from './check-gradients';
import { reduce } from './reduction';
import type { Reduced, Reducible, Reduction } from './reduction';
import { checkPositive, rowsOf, toVector } from './rows';
import type { Vector } from './rows';

export interface DiffusionPreferenceInput<R extends Reduction = 'mean'> extends Reducible<R> {
  /** ℓ_w of the preferred sample of each pair, `[rows]`, differentiable. */
  readonly winnerError: tf.Tensor1D;
  /** ℓ_l of the rejected sample, `[rows]`, differentiable, at the same t and ε. */
  readonly loserError: tf.Tensor1D;
  /** ℓ_w^ref of the reference (the same network, adapter off) at the same t and ε, `[rows]`, constants. */
  readonly winnerReferenceError: Vector;
  /** ℓ_l^ref, likewise. */
  readonly loserReferenceError: Vector;
  /** β > 0: 5000 in Diffusion-DPO's code on recorded pairs, 100 in Flow-GRPO's on its own samples. */
  readonly beta: number;
  /** η ≥ 0, weight of the winner's own error; 0, that is Diffusion-DPO, when left out. */
  readonly sftWeight?: number | undefined;
}

/**
 * Diffusion-DPO (arXiv 2311.12908) as a loss per pair: −log σ(−½β[(ℓ_w − ℓ_w^ref) − (ℓ_l − ℓ_l^ref)]) + η ℓ_w. The last term is
 * the imitation of RPO (arXiv 2405.16436), put on denoising errors here (derived): without it the winner's own error may rise as
 * long as the loser's rises more. At the reference the slopes are ±β/4, beside which η counts.
 *
 * @returns the loss, to be minimised
 * @throws Error when the shapes differ; RangeError when `beta` is not positive, `sftWeight` is negative or there are no rows
 */
export function diffusionPreference<R extends Reduction = 'mean'>({
  winnerError,
  loserError,
  winnerReferenceError,
  loserReferenceError,
  beta,
  sftWeight = 0,
  reduction,
}: DiffusionPreferenceInput<R>): Reduced<R> {
  checkGradients();
  checkPositive('beta', beta);
  checkPositive('sftWeight', sftWeight, { orZero: true });
  const rows = rowsOf('winnerError', winnerError);
  return tf.tidy(() => {
    const vector = (name: string, given: Vector) => toVector(name, given, rows, 'winnerError');
    const winner = tf.sub(winnerError, vector('winnerReferenceError', winnerReferenceError));
    const loser = tf.sub(
      vector('loserError', loserError),
      vector('loserReferenceError', loserReferenceError),
    );
    // −log σ(−x) = softplus(x)
    const preference: tf.Tensor1D = tf.softplus(tf.mul(tf.sub(winner, loser), beta / 2));
    if (sftWeight === 0) return reduce(preference, reduction);
    return reduce(tf.add(preference, tf.mul(winnerError, sftWeight)), reduction);
  });
}
