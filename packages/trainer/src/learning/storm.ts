import * as tf from '@tensorflow/tfjs-core';

import { assignFlat, flatten } from './flat-weights';
import { ofAnother, stateTensors, type Optimizer } from './optimizer';

export interface StormOptions {
  readonly storm: {
    /**
     * What losses and weights are measured in. `first-gradient`: units in which the first gradient has the norm 1 and the first
     * step lowers the loss as much, to first order, as one that moves every weight by the learning rate, which is AdamW's.
     * `own`: as they are.
     */
    readonly units: 'first-gradient' | 'own';
    /** Of the step length η = k / ∛(floor + S), where S is the sum of all squared gradient norms so far. */
    readonly k: number;
    /** Above 0. */
    readonly floor: number;
    /** Of the momentum: a step of length η leaves α = min(1, c · η²) to the next, and 1 − α of the estimate is kept. */
    readonly c: number;
  };
  /** The schedule's largest: η is multiplied by the current learning rate over this one, so that the schedule acts. */
  readonly learningRate: number;
  /** Steps go along the estimate, scaled down to this 2-norm where its own is larger; the recursion has the whole one. */
  readonly maxGradientNorm: number;
}

/** What the recursion needs of the step before. */
interface Previous {
  /** θ before the step */
  readonly weights: tf.Tensor1D;
  /** g of the step, not clipped */
  readonly estimate: tf.Tensor1D;
}

/**
 * STORM, stochastic recursive momentum (Cutkosky & Orabona 2019, arXiv:1905.10018, algorithm 1): variance reduction without
 * large reference batches, by a second gradient of each minibatch at the weights before the last step.
 *
 * Both gradients must be of the same function: neither is clipped, and samples, timesteps and noise are the same. While α is
 * 1 nothing is kept of the estimate, so that no previous weights are asked for, and a step costs one gradient. There is no
 * weight decay. Names: α is the paper's a, `floor` its w.
 *
 * Its constants are numbers of one scale of losses and weights. With a loss κ f in weights φ = θ / u gradients are κ u ∇f, and
 * a step of η along them moves θ by η κ u² ∇f: `units` says which κ and u are meant.
 *
 * For policies see VOMPS (arXiv:2009.06548), whose constants were not verified.
 *
 * @param variables float32 weights that `step` assigns to
 */
export function createStorm(
  variables: readonly tf.Variable[],
  { storm, learningRate: largestLearningRate, maxGradientNorm }: StormOptions,
): Optimizer {
  const total = variables.reduce((sum, { size }) => sum + size, 0);
  const isOwn = storm.units === 'own';
  let count = 0;
  let sumOfSquares = 0;
  /** 1 / (κ u), which is the norm of the first gradient that is not 0; 0 before it. */
  let gradientUnit = isOwn ? 1 : 0;
  /** u */
  let weightUnit = isOwn ? 1 : 0;
  /** Of the next step. */
  let alpha = 1;
  /** Undefined exactly where α is 1. */
  let previous: Previous | undefined;

  function forget(): void {
    if (previous !== undefined) tf.dispose([previous.weights, previous.estimate]);
    previous = undefined;
  }

  return {
    get previousWeights() {
      return previous?.weights;
    },
    step(gradient, learningRate, gradientAtPrevious) {
      // g_t = ∇f(θ_t; ξ_t) + (1 − α_t) (g_{t−1} − ∇f(θ_{t−1}; ξ_t))
      const estimate = nextEstimate(gradient, previous?.estimate, gradientAtPrevious, alpha);
      const [square, estimateSquare] = squaresOf(gradient, estimate);
      if (!Number.isFinite(square + estimateSquare)) {
        estimate.dispose();
        return Math.sqrt(square + estimateSquare);
      }
      if (gradientUnit === 0) {
        gradientUnit = Math.sqrt(square);
        if (gradientUnit === 0) {
          estimate.dispose();
          return 0;
        }
        // A step of u η = u k / ∛(floor + 1) along g / ‖g‖ lowers the loss by u η ‖g‖, one of ± the learning rate by that · Σ|g|.
        const length = (largestLearningRate * sumOfSizes(gradient)) / gradientUnit;
        weightUnit = (length * Math.cbrt(storm.floor + 1)) / storm.k;
      }
      // S_t = S_{t−1} + ‖∇f(θ_t; ξ_t)‖²,   η_t = k / ∛(floor + S_t),   α_{t+1} = min(1, c η_t²)
      count += 1;
      sumOfSquares += square / gradientUnit ** 2;
      const scheduled = learningRate / largestLearningRate;
      const stepLength = (storm.k / Math.cbrt(storm.floor + sumOfSquares)) * scheduled;
      alpha = Math.min(1, storm.c * stepLength ** 2);
      // As for AdamW, after clip_grad_norm_.
      const scale = Math.min(1, maxGradientNorm / (Math.sqrt(estimateSquare) + 1e-6));
      // θ_{t+1} = θ_t − η_t g_t
      const weights = flatten(variables);
      const inUnits = (stepLength * scale * weightUnit) / gradientUnit;
      const moved = tf.tidy(() => tf.sub<tf.Tensor1D>(weights, tf.mul(estimate, inUnits)));
      assignFlat(variables, moved);
      moved.dispose();
      forget();
      if (alpha < 1) previous = { weights, estimate };
      else tf.dispose([weights, estimate]);
      return Math.sqrt(square);
    },
    state: () => ({
      steps: count,
      numbers: { sumOfSquares, alpha, gradientUnit, weightUnit },
      tensors: {
        ...(previous && {
          previous_weights: previous.weights.clone(),
          estimate: previous.estimate.clone(),
        }),
      },
    }),
    restore(state) {
      const { sumOfSquares: sum, alpha: next, gradientUnit: unit, weightUnit: u } = state.numbers;
      if (sum === undefined || next === undefined || unit === undefined || u === undefined) {
        throw ofAnother("is not STORM's");
      }
      const kept =
        next < 1 ? stateTensors(state, ['previous_weights', 'estimate'], total) : undefined;
      forget();
      count = state.steps;
      sumOfSquares = sum;
      alpha = next;
      gradientUnit = unit;
      weightUnit = u;
      previous = kept && {
        weights: kept.previous_weights.clone(),
        estimate: kept.estimate.clone(),
      };
    },
    dispose: forget,
  };
}

function nextEstimate(
  gradient: tf.Tensor1D,
  estimate: tf.Tensor1D | undefined,
  gradientAtPrevious: tf.Tensor1D | undefined,
  alpha: number,
): tf.Tensor1D {
  if (estimate === undefined) return gradient.clone();
  if (gradientAtPrevious === undefined) {
    throw new TypeError(
      'STORM needs the gradient of the same minibatch at its previous weights, too; give it to step where previousWeights is defined.',
    );
  }
  return tf.tidy(() => tf.add(gradient, tf.mul(tf.sub(estimate, gradientAtPrevious), 1 - alpha)));
}

function sumOfSizes(gradient: tf.Tensor1D): number {
  const sum = tf.tidy(() => tf.sum(tf.abs(gradient)));
  const [value = Number.NaN] = sum.dataSync();
  sum.dispose();
  return value;
}

/** Squared 2-norms, read together: whoever reads a tensor waits for all the work before it. */
function squaresOf(gradient: tf.Tensor1D, estimate: tf.Tensor1D): readonly [number, number] {
  const squares = tf.tidy(() =>
    tf.stack([tf.sum(tf.square(gradient)), tf.sum(tf.square(estimate))]),
  );
  const [first = Number.NaN, second = Number.NaN] = squares.dataSync();
  squares.dispose();
  return [first, second];
}
