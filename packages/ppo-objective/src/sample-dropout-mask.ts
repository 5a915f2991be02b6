import * as tf from '@tensorflow/tfjs-core';
import { constant } from './constant';
import { checkOneOf } from './one-of';

export interface SampleDropoutMaskInput {
  /** ρ, `[rows]`. */
  readonly ratio: tf.Tensor1D;
  /** δ > 0, `Infinity` to keep all. Not above the clip range it makes the clip inert; 2.5 times that is as published. */
  readonly delta: number;
  /** Which deviations count: ρ − 1 on `both` sides, `upper` only ρ > 1, `lower` only ρ < 1. */
  readonly side: 'both' | 'upper' | 'lower';
}

/**
 * Sample Dropout (arXiv 2302.02299; form from its code): m = 1 where |ρ − 1| < δ, otherwise 0. Rows whose ratio deviates far make
 * up most of a surrogate's variance. The loss is Σ m ℓ / Σ m over all rows of an update, so count the kept ones across its parts,
 * and keep all where none is left.
 *
 * @returns `[rows]` of 0 and 1, constants
 * @throws RangeError when `delta` is not above 0, or `side` none of these
 */
export function sampleDropoutMask({ ratio, delta, side }: SampleDropoutMaskInput): tf.Tensor1D {
  checkOneOf('side', side, ['both', 'upper', 'lower']);
  if (!(delta > 0)) throw new RangeError(`delta must be a number above 0, got ${delta}.`);
  return constant(() => {
    const above = tf.sub<tf.Tensor1D>(ratio, 1);
    const deviation =
      side === 'both' ? tf.abs(above) : side === 'upper' ? above : tf.neg<tf.Tensor1D>(above);
    return tf.cast(tf.less(deviation, delta), 'float32');
  });
}
