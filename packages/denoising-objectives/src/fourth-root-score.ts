import * as tf from '@tensorflow/tfjs-core';
import { checkGradients } from './check-gradients';
import { rowsOf, toVector } from './rows';
import type { Vector } from './rows';

/** Keeps the root's slope finite where there is no error. */
const FLOOR = 1e-10;

/**
 * AWM's score `ghuber` (arXiv 2509.25050, from its code): −((m + 1e-10)^¼ − 1e-10^¼) t/¼. A fourth root counts large errors less
 * than their squares do, and 0 gives 0.
 *
 * @param error m, the mean square error of velocities, `[rows]`, ≥ 0, differentiable
 * @param noiseLevel t, the share of noise in x_t, in [0, 1]: one for all rows, or one per row, `[rows]`
 * @returns a score in the place of log p, `[rows]`, ≤ 0
 * @throws Error when the shapes differ; RangeError when there are no rows
 */
export function fourthRootScore(error: tf.Tensor1D, noiseLevel: number | Vector): tf.Tensor1D {
  checkGradients();
  const rows = rowsOf('error', error);
  return tf.tidy(() => {
    const level =
      typeof noiseLevel === 'number'
        ? noiseLevel
        : toVector('noiseLevel', noiseLevel, rows, 'error');
    const root = tf.sqrt(tf.sqrt(tf.add(error, FLOOR)));
    return tf.mul(tf.mul(tf.sub(root, FLOOR ** 0.25), level), -4);
  });
}
