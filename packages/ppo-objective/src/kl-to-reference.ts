import * as tf from '@tensorflow/tfjs-core';
import { checkGradients } from './check-gradients';
import type { Vector } from './vector';

export interface KlToReferenceInput {
  /** μ_θ of the policy, `[batch, …]`, differentiable. */
  readonly mean: tf.Tensor;
  /** μ of the reference (the same network, adapter off) at the same x_t, same shape, constant. */
  readonly referenceMean: tf.Tensor;
  /** σ > 0 shared by both: one for the batch, or one per row, `[batch]`. */
  readonly sigma: number | Vector;
}

/**
 * KL divergence of two Gaussians of equal σ, averaged over rows and dimensions: mean((μ − μ_ref)² / (2σ²)). Like the
 * log-probabilities it is a mean per dimension, so that one weight suits latents of all sizes.
 *
 * @returns the divergence, ≥ 0, to be weighted and added to a loss; not finite where a σ in a tensor is not positive, for to
 *   look at a tensor's values would make the caller wait for them
 * @throws Error when the shapes differ; RangeError when a σ given as a number is not positive
 */
export function klToReference({ mean, referenceMean, sigma }: KlToReferenceInput): tf.Scalar {
  checkGradients();
  const shape: readonly number[] = mean.shape;
  if (shape.join() !== referenceMean.shape.join()) {
    throw new Error(
      `mean [${shape.join(', ')}] and referenceMean [${referenceMean.shape.join(', ')}] must have the same shape ` +
        '[batch, …].',
    );
  }
  const [batch = 0] = shape;
  const sigmas = typeof sigma === 'number' ? Array.from({ length: batch }, () => sigma) : sigma;
  const sigmaShape = sigmas instanceof tf.Tensor ? sigmas.shape : [sigmas.length];
  if (batch === 0 || sigmaShape.join() !== String(batch)) {
    throw new Error(
      `sigma [${sigmaShape.join(', ')}] must have one entry per row of mean [${shape.join(', ')}].`,
    );
  }
  return tf.tidy(() => {
    const difference = tf.reshape(tf.sub(mean, referenceMean), [batch, -1]);
    return tf.mean(tf.mul(tf.mean(tf.square(difference), 1), weightsOf(sigmas)));
  });
}

/** 1 / (2σ²) */
function weightsOf(sigmas: Vector): tf.Tensor1D {
  // Where σ is not positive its rectification is 0, and the weight infinite.
  if (sigmas instanceof tf.Tensor) return tf.div(0.5, tf.mul(sigmas, tf.relu(sigmas)));
  const weights = Array.from(sigmas, (deviation) => {
    if (!(deviation > 0 && Number.isFinite(deviation))) {
      throw new RangeError(
        `The divergence needs a sigma above 0, got ${deviation}. Leave deterministic steps out.`,
      );
    }
    return 0.5 / (deviation * deviation);
  });
  return tf.tensor1d(weights);
}
