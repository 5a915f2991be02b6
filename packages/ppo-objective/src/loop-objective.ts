import * as tf from '@tensorflow/tfjs-core';
import { clippedSurrogate } from './clipped-surrogate';

export interface LoopObjectiveInput {
  /** log p_θ(x_{t−1} | x_t), `[samples, steps]`, differentiable. */
  readonly logProb: tf.Tensor2D;
  /** The same under the policy that sampled, `[samples, steps]`, constants. */
  readonly oldLogProb: tf.Tensor2D;
  /** Leave-one-out advantages, `[samples]`: one per trajectory, shared by its steps. */
  readonly advantages: readonly number[] | Float32Array;
  /** ε > 0, see `scaleClipRange`. */
  readonly clipRange: number;
  /** Advantages are clamped to ± this, > 0; left alone when left out. */
  readonly advantageClip?: number | undefined;
  /** `sum` is the published objective, `mean` divides it by the number of steps. */
  readonly overSteps?: 'sum' | 'mean' | undefined;
}

/**
 * LOOP (arXiv 2503.00897): PPO's clipped surrogate on leave-one-out advantages, summed over the denoise steps of a trajectory
 * and averaged over trajectories.
 *
 * Sum and mean differ by the factor `steps`. Adam divides that factor out again, but a limit on the gradient's norm and a
 * fixed learning rate of plain SGD do not: DDPO's settings (norm 1, ddpo-pytorch and TRL) are made for the mean. A trainer
 * that accumulates minibatches of rows gets the mean from `clippedSurrogate` by weighting each with rows / (samples · steps).
 *
 * @returns the loss, to be minimised
 * @throws Error when the shapes differ; RangeError when `clipRange` or `advantageClip` is not positive
 */
export function loopObjective({
  logProb,
  oldLogProb,
  advantages,
  clipRange,
  advantageClip,
  overSteps = 'sum',
}: LoopObjectiveInput): tf.Scalar {
  const [samples, steps] = logProb.shape;
  if (oldLogProb.shape.join() !== logProb.shape.join() || advantages.length !== samples) {
    throw new Error(
      `logProb [${logProb.shape.join(', ')}] and oldLogProb [${oldLogProb.shape.join(', ')}] must have the same shape ` +
        `[samples, steps], and advantages [${advantages.length}] one entry per sample.`,
    );
  }
  return tf.tidy(() => {
    const meanOverRows = clippedSurrogate({
      logProb: tf.reshape(logProb, [samples * steps]),
      oldLogProb: tf.reshape(oldLogProb, [samples * steps]),
      advantages: Array.from(advantages).flatMap((advantage) =>
        Array.from({ length: steps }, () => advantage),
      ),
      clipRange,
      advantageClip,
    });
    return overSteps === 'sum' ? tf.mul(meanOverRows, tf.scalar(steps)) : meanOverRows;
  });
}
