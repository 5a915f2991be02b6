import * as tf from '@tensorflow/tfjs-core';
import { constant } from './constant';
import { checkShiftRows, shiftDivergence } from './shift-divergence';
import { checkPositive, toVector } from './vector';
import type { Vector } from './vector';

export interface DivergenceMaskInput {
  /** μ_θ − μ_old, `[rows, …]`. */
  readonly meanShift: tf.Tensor;
  /** σ > 0: one for all rows, or one per row, `[rows]`. */
  readonly sigma: number | Vector;
  /** ρ, `[rows]`. */
  readonly ratio: tf.Tensor1D;
  /** A, `[rows]`. */
  readonly advantages: Vector;
  /** The largest divergence that still earns something, > 0. */
  readonly threshold: number;
}

/**
 * Flow-DPPO's mask in the place of a clip: 0 where the row's policy has left the one that sampled by
 * KL = mean(Δμ²)/(2σ²) ≥ threshold and its ratio moved the way its advantage asks for (A > 0 and ρ > 1, or A < 0 and ρ < 1),
 * otherwise 1. Unlike a ratio the divergence does not depend on which noise was drawn. To be multiplied with −Aρ per row.
 *
 * @returns `[rows]` of 0 and 1, constants
 * @throws Error when the shapes do not fit; RangeError when `threshold` or a σ given as a number is not positive
 */
export function divergenceMask({
  meanShift,
  sigma,
  ratio,
  advantages,
  threshold,
}: DivergenceMaskInput): tf.Tensor1D {
  checkPositive('threshold', threshold);
  const rows = ratio.shape[0];
  checkShiftRows(meanShift, rows, 'ratio');
  return constant(() => {
    const divergence = shiftDivergence('meanShift', meanShift, sigma);
    const advantage = toVector('advantages', advantages, rows, 'ratio');
    const movedAsAsked: tf.Tensor1D = tf.greater(tf.mul(advantage, tf.sub(ratio, 1)), 0);
    const tooFar: tf.Tensor1D = tf.greaterEqual(divergence, threshold);
    return tf.cast(tf.logicalNot(tf.logicalAnd(tooFar, movedAsAsked)), 'float32');
  });
}
