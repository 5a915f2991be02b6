import * as tf from '@tensorflow/tfjs-core';

export interface KlToReferenceInput {
  /** μ_θ of the policy, `[batch, height, width, channels]`, differentiable. */
  readonly mean: tf.Tensor4D;
  /** μ of the reference (the same network, adapter off) at the same x_t, same shape, constant. */
  readonly referenceMean: tf.Tensor4D;
  /** σ > 0 shared by both: one for the batch, or one per row (in a tensor `[batch]` it is not checked to be positive). */
  readonly sigma: number | readonly number[] | tf.Tensor1D;
}

/**
 * KL divergence of two Gaussians of equal σ, averaged over rows and dimensions: mean((μ − μ_ref)² / (2σ²)). Like the
 * log-probabilities it is a mean per dimension, so that one weight suits latents of all sizes.
 *
 * @returns the divergence, ≥ 0, to be weighted and added to a loss
 * @throws Error when the shapes differ; RangeError when a σ is not positive
 */
export function klToReference({ mean, referenceMean, sigma }: KlToReferenceInput): tf.Scalar {
  if (mean.shape.join() !== referenceMean.shape.join()) {
    throw new Error(
      `mean [${mean.shape.join(', ')}] and referenceMean [${referenceMean.shape.join(', ')}] must have the same shape ` +
        '[batch, height, width, channels].',
    );
  }
  const [batch] = mean.shape;
  const sigmas = typeof sigma === 'number' ? Array.from({ length: batch }, () => sigma) : sigma;
  const count = sigmas instanceof tf.Tensor ? sigmas.shape[0] : sigmas.length;
  if (count !== batch) {
    throw new Error(
      `sigma [${count}] must have one entry per row of mean [${mean.shape.join(', ')}].`,
    );
  }
  return tf.tidy(() => {
    const difference = tf.reshape(tf.sub(mean, referenceMean), [batch, -1]);
    return tf.mean(tf.mul(tf.mean(tf.square(difference), 1), weightsOf(sigmas)));
  });
}

/** 1 / (2σ²) */
function weightsOf(sigmas: readonly number[] | tf.Tensor1D): tf.Tensor1D {
  if (sigmas instanceof tf.Tensor) return tf.div(0.5, tf.square(sigmas));
  const weights = sigmas.map((deviation) => {
    if (!(deviation > 0 && Number.isFinite(deviation))) {
      throw new RangeError(
        `The divergence needs a sigma above 0, got ${deviation}. Leave deterministic steps out.`,
      );
    }
    return 0.5 / (deviation * deviation);
  });
  return tf.tensor1d(weights);
}
