import type { TrajectoryRow } from '@loop-diffusion/diffusion-mdp';
import * as tf from '@tensorflow/tfjs-core';

import type { NoiseSource } from '../policy/image-batches';
import type { LatentShape } from '../policy/latent-shape';

/** z of each row's step, as the rollout drew it: `[rows, height, width, channels]`, the caller's. */
export function gatherNoise(
  noise: NoiseSource,
  rows: readonly TrajectoryRow[],
  shape: LatentShape,
): tf.Tensor4D {
  const size = shape[0] * shape[1] * shape[2];
  const values = new Float32Array(rows.length * size);
  for (const [index, { sample, step }] of rows.entries()) {
    values.set(noise(sample, step + 1), index * size);
  }
  return tf.tensor4d(values, [rows.length, ...shape]);
}
