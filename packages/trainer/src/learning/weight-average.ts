/** An exponential moving average of the trained weights: a policy that lags behind the one that learns, and is smoother. */
import * as tf from '@tensorflow/tfjs-core';

import { flatten, unflatten } from './flat-weights';

export interface WeightAverage {
  /**
   * a ← d · a + (1 − d) · θ
   *
   * @param decay d: 0 takes the variables over, 1 changes nothing
   * @throws RangeError unless it is from 0 to 1
   */
  update(decay: number): void;
  /** One per variable, in their shapes. The average's own: an update or a restored state frees them and makes new ones. */
  readonly weights: readonly tf.Tensor[];
  /** {@link weights} as they are now, shared and not copied; the caller's. */
  state(): tf.Tensor[];
  /** Goes on from a state, which stays the caller's. @throws RangeError when it is of other variables */
  restore(state: readonly tf.Tensor[]): void;
  dispose(): void;
}

/**
 * Begins as what the variables are now; until the first update the numbers are shared with them, not copied.
 *
 * @param variables float32 weights, which the average only reads
 */
export function createWeightAverage(variables: readonly tf.Variable[]): WeightAverage {
  let weights: tf.Tensor[] = variables.map((variable) => variable.clone());

  function replace(next: tf.Tensor[]): void {
    tf.dispose(weights);
    weights = next;
  }

  return {
    get weights() {
      return weights;
    },
    update(decay) {
      if (!(decay >= 0 && decay <= 1)) {
        throw new RangeError(`The decay of an average must be a number from 0 to 1, got ${decay}.`);
      }
      replace(
        tf.tidy(() =>
          unflatten(
            tf.add(tf.mul(flatten(weights), decay), tf.mul(flatten(variables), 1 - decay)),
            variables,
          ),
        ),
      );
    },
    state: () => weights.map((weight) => weight.clone()),
    restore(state) {
      const shapes = [state, variables].map((tensors) =>
        tensors.map(({ shape }) => `[${shape.join()}]`).join(' '),
      );
      if (shapes[0] !== shapes[1]) {
        throw new RangeError(
          "The average's state is of other weights than the variables; it must be that of a run with the same trained weights.",
        );
      }
      replace(state.map((weight) => weight.clone()));
    },
    dispose() {
      tf.dispose(weights);
    },
  };
}

/**
 * The decay of an average's next update: min(d, (1 + n) / (10 + n)), so that a young average follows soon and forgets what
 * it began with. It is that of TensorFlow's `ExponentialMovingAverage` with `num_updates`, and of diffusers' `EMAModel`
 * without `use_ema_warmup`, except that the first update of the latter has a decay of 0.
 *
 * @param decay d, the largest, in [0, 1]
 * @param updates n, those that were done, from 0
 */
export function averageDecay(decay: number, updates: number): number {
  return Math.min(decay, (1 + updates) / (10 + updates));
}
