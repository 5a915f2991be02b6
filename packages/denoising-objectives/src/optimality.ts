import * as tf from '@tensorflow/tfjs-core';
import { checkPositive } from './rows';
import type { Vector } from './rows';

/**
 * DiffusionNFT's probability of being a good sample (arXiv 2509.16117, form from its code): r = clip(A/(2·limit) + ½, 0, 1).
 *
 * @param advantages A, `[rows]`
 * @param limit advantages are clamped to ± this, > 0; 5 in the code
 * @returns r, `[rows]`, in [0, 1]
 * @throws RangeError when `limit` is not positive
 */
export function optimality(advantages: Vector, limit: number): tf.Tensor1D {
  checkPositive('limit', limit);
  return tf.tidy(() => {
    const tensor =
      advantages instanceof tf.Tensor ? advantages : tf.tensor1d(Float32Array.from(advantages));
    return tf.clipByValue(tf.add<tf.Tensor1D>(tf.div(tensor, 2 * limit), 0.5), 0, 1);
  });
}
