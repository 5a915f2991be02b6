import { clippedSurrogate, policyRatio } from '@loop-diffusion/ppo-objective';
import * as tf from '@tensorflow/tfjs-core';

import type { LossContext, TrajectoryRows } from './method';

/** max(−A ρ, −A clip(ρ, 1−ε, 1+ε)), or −A ρ where there is no clip; `[rows]`. */
export function surrogate(rows: TrajectoryRows, { clipRange }: LossContext): tf.Tensor1D {
  const { logProb, oldLogProb, advantages } = rows;
  if (clipRange === Infinity) {
    return tf.neg(tf.mul(advantages, policyRatio(logProb, oldLogProb)));
  }
  return clippedSurrogate({ logProb, oldLogProb, advantages, clipRange, reduction: 'none' });
}
