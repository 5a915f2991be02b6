import * as tf from '@tensorflow/tfjs-core';

import { checkOneOf } from './one-of';

/** `mean` over the rows; `none` leaves a loss per row, to be masked, weighted or averaged elsewhere. */
export type Reduction = 'mean' | 'none';

/** A loss after its reduction: `[rows]` for `none`, one number otherwise. */
export type Reduced<R extends Reduction> = R extends 'none' ? tf.Tensor1D : tf.Scalar;

export interface Reducible<R extends Reduction> {
  /** `mean` when left out. */
  readonly reduction?: R | undefined;
}

/** @param losses `[rows]` */
export function reduce<R extends Reduction>(
  losses: tf.Tensor1D,
  reduction: R | undefined,
): Reduced<R> {
  if (reduction !== undefined) checkOneOf('reduction', reduction, ['mean', 'none']);
  return (reduction === 'none' ? losses : tf.mean(losses)) as Reduced<R>;
}
