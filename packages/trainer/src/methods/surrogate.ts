import { clippedSurrogate } from '@loop-diffusion/ppo-objective';
import type * as tf from '@tensorflow/tfjs-core';

import type { LossContext, TrajectoryRows } from './method';

/** max(−A ρ, −A clip(ρ, 1−ε, 1+ε)), `[rows]`. */
export function surrogate(rows: TrajectoryRows, { clipRange }: LossContext): tf.Tensor1D {
  const { logProb, oldLogProb, advantages } = rows;
  return clippedSurrogate({ logProb, oldLogProb, advantages, clipRange, reduction: 'none' });
}
