import * as tf from '@tensorflow/tfjs-core';
import { checkGradients } from './check-gradients';
import { constant } from './constant';
import { reduce } from './reduction';
import type { Reduced, Reducible, Reduction } from './reduction';
import { checkPositive, checkSameShape, meanOfRows, rowsOf, toVector } from './rows';
import type { Vector } from './rows';

export interface NegativeAwareFineTuningInput<R extends Reduction = 'mean'> extends Reducible<R> {
  /** x̂_θ, the original image as the policy predicts it from x_t, `[rows, …]`, differentiable. */
  readonly predicted: tf.Tensor;
  /** x̂_old, the same of the policy that sampled (or of a slow average of it), same shape, constant. */
  readonly oldPredicted: tf.Tensor;
  /** x_0, the sample itself, same shape, constant. */
  readonly original: tf.Tensor;
  /** r in [0, 1], `[rows]`, constants, as `optimality` makes it of advantages. */
  readonly optimality: Vector;
  /** β > 0, how far the two implicit policies lie apart; 1 in the code (0.1 for text in images). */
  readonly beta: number;
  /** Whether each error is divided by the row's mean distance from x_0; true, as in the code, when left out. */
  readonly normalize?: boolean | undefined;
}

/** As in the code: no distance counts as less. */
const SMALLEST_DISTANCE = 1e-5;

/**
 * DiffusionNFT (arXiv 2509.16117, form from its code) as a loss per row. Of x̂⁺ = (1−β) x̂_old + β x̂_θ and
 * x̂⁻ = (1+β) x̂_old − β x̂_θ, the first is drawn to good samples and the second to bad ones, which pushes θ away from those:
 *
 * [ r mean((x̂⁺ − x_0)²)/n⁺ + (1−r) mean((x̂⁻ − x_0)²)/n⁻ ] / β, n^± = max(mean|x̂^± − x_0|, 1e-5) without gradient, or 1.
 *
 * At x̂_θ = x̂_old and without n the slope is 2(2r−1)(x̂_old − x_0)/D, linear in r; r = ½ has none there, but is not without cost
 * elsewhere. x̂_0 is linear in the network's output, so mixing predictions of ε or v is the same. The code's loss has a factor of
 * `optimality`'s limit, left to the caller.
 *
 * @returns the loss, to be minimised, ≥ 0
 * @throws Error when the shapes differ; RangeError when `beta` is not positive or there are no rows
 */
export function negativeAwareFineTuning<R extends Reduction = 'mean'>({
  predicted,
  oldPredicted,
  original,
  optimality,
  beta,
  normalize = true,
  reduction,
}: NegativeAwareFineTuningInput<R>): Reduced<R> {
  checkGradients();
  checkPositive('beta', beta);
  checkSameShape('predicted', predicted, 'oldPredicted', oldPredicted);
  checkSameShape('predicted', predicted, 'original', original);
  const rows = rowsOf('predicted', predicted);
  return tf.tidy(() => {
    // x̂^± − x_0 = (x̂_old − x_0) ± β (x̂_θ − x̂_old)
    const oldError = tf.sub(oldPredicted, original);
    const step = tf.mul(tf.sub(predicted, oldPredicted), beta);
    const cost = (error: tf.Tensor) => {
      const meanSquare = meanOfRows(tf.square(error), rows);
      if (!normalize) return meanSquare;
      const distance = constant(() =>
        tf.maximum(meanOfRows(tf.abs(error), rows), SMALLEST_DISTANCE),
      );
      return tf.div<tf.Tensor1D>(meanSquare, distance);
    };
    const good = toVector('optimality', optimality, rows, 'predicted');
    const positive = tf.mul(good, cost(tf.add(oldError, step)));
    const negative = tf.mul(tf.sub(1, good), cost(tf.sub(oldError, step)));
    return reduce(tf.div(tf.add(positive, negative), beta), reduction);
  });
}
