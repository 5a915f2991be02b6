import * as tf from '@tensorflow/tfjs-core';

import { assignFlat, flatten } from './flat-weights';
import { stateTensors, type Optimizer } from './optimizer';

export interface AdamWOptions {
  /** Decay rates of the first and second moment, each in [0, 1). */
  readonly betas: readonly [number, number];
  /** Added to the root of the second moment. */
  readonly epsilon: number;
  /** Decoupled: weights shrink by learningRate · weightDecay a step. */
  readonly weightDecay: number;
  /** Gradients with a larger 2-norm, over all weights together, are scaled down to it. */
  readonly maxGradientNorm: number;
}

/**
 * AdamW (Loshchilov & Hutter 2019, arXiv:1711.05101, algorithm 2), as PyTorch's `torch.optim.AdamW` computes it, after
 * clipping the global gradient norm as `torch.nn.utils.clip_grad_norm_` does. Its state is the running means of the
 * gradient and of its square.
 *
 * @param variables float32 weights that `step` assigns to
 */
export function createAdamW(variables: readonly tf.Variable[], options: AdamWOptions): Optimizer {
  const [beta1, beta2] = options.betas;
  const total = variables.reduce((sum, { size }) => sum + size, 0);
  let firstMoment: tf.Tensor1D = tf.zeros([total]);
  let secondMoment: tf.Tensor1D = tf.zeros([total]);
  let count = 0;

  return {
    previousWeights: undefined,
    step(raw, learningRate) {
      const step = count + 1;
      const [weights, first, second, norm] = tf.tidy(() => {
        const norm = tf.sqrt(tf.sum(tf.square(raw)));
        // clip_grad_norm_ divides by norm + 1e-6.
        const scale = tf.minimum(1, tf.div(options.maxGradientNorm, tf.add(norm, 1e-6)));
        const gradient = tf.mul(raw, scale);

        // m ← β₁ m + (1 − β₁) g,   v ← β₂ v + (1 − β₂) g²
        const first: tf.Tensor1D = tf.add(tf.mul(firstMoment, beta1), tf.mul(gradient, 1 - beta1));
        const second: tf.Tensor1D = tf.add(
          tf.mul(secondMoment, beta2),
          tf.mul(tf.square(gradient), 1 - beta2),
        );
        // θ ← θ (1 − lr λ) − lr · m̂ / (√v̂ + ε)
        const denominator = tf.add(
          tf.div(tf.sqrt(second), Math.sqrt(1 - beta2 ** step)),
          options.epsilon,
        );
        const weights: tf.Tensor1D = tf.sub(
          tf.mul(flatten(variables), 1 - learningRate * options.weightDecay),
          tf.mul(tf.div(first, denominator), learningRate / (1 - beta1 ** step)),
        );
        return [weights, first, second, norm] as const;
      });
      const normBeforeClipping = norm.dataSync()[0] ?? Number.NaN;
      norm.dispose();
      if (!Number.isFinite(normBeforeClipping)) {
        // One such number would spread over all weights and moments, and never leave them.
        tf.dispose([weights, first, second]);
        return normBeforeClipping;
      }
      count = step;
      tf.dispose([firstMoment, secondMoment]);
      firstMoment = first;
      secondMoment = second;
      assignFlat(variables, weights);
      weights.dispose();
      return normBeforeClipping;
    },
    state: () => ({
      steps: count,
      numbers: {},
      tensors: { first_moment: firstMoment.clone(), second_moment: secondMoment.clone() },
    }),
    restore(state) {
      const moments = stateTensors(state, ['first_moment', 'second_moment'], total);
      tf.dispose([firstMoment, secondMoment]);
      count = state.steps;
      firstMoment = moments.first_moment.clone();
      secondMoment = moments.second_moment.clone();
    },
    dispose() {
      tf.dispose([firstMoment, secondMoment]);
    },
  };
}
