/** AdamW on one flat vector: a step costs the same few dozen operations however many matrices the adapter has. */
import * as tf from '@tensorflow/tfjs-core';

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

export interface AdamW {
  /**
   * Moves the variables along `gradients`, which are left to the caller to dispose of.
   *
   * @param gradients one per variable, in the variables' order and shapes
   * @returns the gradients' 2-norm before it was clipped; where it is not finite no step was taken
   */
  step(gradients: readonly tf.Tensor[], learningRate: number): number;
  /** What the next step depends on besides the variables; the tensors are the caller's. */
  state(): AdamWState;
  /** Goes on from a state, whose tensors stay the caller's. @throws RangeError when it is of other variables */
  restore(state: AdamWState): void;
  dispose(): void;
}

export interface AdamWState {
  /** Steps that were taken. */
  readonly steps: number;
  /** Running means of the gradient and of its square, `[numbers of all variables]`. */
  readonly firstMoment: tf.Tensor1D;
  readonly secondMoment: tf.Tensor1D;
}

/**
 * AdamW (Loshchilov & Hutter 2019, arXiv:1711.05101, algorithm 2), as PyTorch's `torch.optim.AdamW` computes it, after
 * clipping the global gradient norm as `torch.nn.utils.clip_grad_norm_` does.
 *
 * @param variables float32 weights that `step` assigns to
 */
export function createAdamW(variables: readonly tf.Variable[], options: AdamWOptions): AdamW {
  const [beta1, beta2] = options.betas;
  const sizes = variables.map((variable) => variable.size);
  const total = sizes.reduce((sum, size) => sum + size, 0);
  let firstMoment: tf.Tensor1D = tf.zeros([total]);
  let secondMoment: tf.Tensor1D = tf.zeros([total]);
  let count = 0;

  return {
    step(gradients, learningRate) {
      const step = count + 1;
      const [weights, first, second, norm] = tf.tidy(() => {
        const raw = flatten(gradients);
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
        const weights = tf.sub(
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

      const parts = tf.split(weights, sizes);
      for (const [index, variable] of variables.entries()) {
        const part = parts[index];
        if (part === undefined) throw new Error('AdamW lost a part of its weights.');
        const shaped = tf.reshape(part, variable.shape);
        variable.assign(shaped);
        tf.dispose([part, shaped]);
      }
      weights.dispose();
      return normBeforeClipping;
    },
    state: () => ({
      steps: count,
      firstMoment: firstMoment.clone(),
      secondMoment: secondMoment.clone(),
    }),
    restore(state) {
      for (const moment of [state.firstMoment, state.secondMoment]) {
        if (moment.size === total) continue;
        throw new RangeError(
          `The optimizer's state is of ${moment.size} numbers, but the variables have ${total}.`,
        );
      }
      tf.dispose([firstMoment, secondMoment]);
      count = state.steps;
      firstMoment = state.firstMoment.clone();
      secondMoment = state.secondMoment.clone();
    },
    dispose() {
      tf.dispose([firstMoment, secondMoment]);
    },
  };
}

function flatten(tensors: readonly tf.Tensor[]): tf.Tensor1D {
  return tf.concat1d(tensors.map((tensor) => tf.reshape(tensor, [tensor.size])));
}
