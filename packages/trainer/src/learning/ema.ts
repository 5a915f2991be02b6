import type * as tf from '@tensorflow/tfjs-core';

import { averageDecay, createWeightAverage } from './weight-average';

/** An average of the trained weights that is renewed at each optimizer step, with a warm-up. */
export interface Ema {
  /** After an optimizer step. */
  update(): void;
  /** One per variable; see {@link WeightAverage.weights}. */
  readonly weights: readonly tf.Tensor[];
  /** The tensors are the caller's. */
  state(): EmaState;
  /** Goes on from a state, whose tensors stay the caller's. @throws RangeError when it is of other variables */
  restore(state: EmaState): void;
  dispose(): void;
}

interface EmaState {
  readonly updates: number;
  /** One per variable. */
  readonly weights: readonly tf.Tensor[];
}

/** @param decay the largest, in [0, 1] */
export function createEma(variables: readonly tf.Variable[], decay: number): Ema {
  const average = createWeightAverage(variables);
  let updates = 0;
  return {
    update() {
      average.update(averageDecay(decay, updates));
      updates += 1;
    },
    get weights() {
      return average.weights;
    },
    state: () => ({ updates, weights: average.state() }),
    restore(state) {
      average.restore(state.weights);
      updates = state.updates;
    },
    dispose() {
      average.dispose();
    },
  };
}
