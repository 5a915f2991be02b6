/** The forward process q(x_t | x_0), for training a network and for its targets. */

import * as tf from '@tensorflow/tfjs-core';
import { alphaCumprodAt } from './noise-schedule';
import type { NoiseSchedule } from './noise-schedule';
import { perRow, rowsOf } from './per-row';

/**
 * x_t = √ᾱ_t x_0 + √(1−ᾱ_t) ε (arXiv 2006.11239, eq. 4).
 *
 * @param original x_0, `[batch, …]`
 * @param noise ε, same shape
 * @param timesteps one per row, 0 to `trainTimesteps` − 1
 */
export function addNoise<T extends tf.Tensor>(
  schedule: NoiseSchedule,
  original: T,
  noise: T,
  timesteps: readonly number[],
): T {
  return combine(schedule, original, noise, timesteps, 1);
}

/**
 * v = √ᾱ_t ε − √(1−ᾱ_t) x_0, what a `v_prediction` network learns (arXiv 2202.00512, appendix D).
 *
 * @param original x_0, `[batch, …]`
 * @param noise ε, same shape
 * @param timesteps one per row, 0 to `trainTimesteps` − 1
 */
export function velocity<T extends tf.Tensor>(
  schedule: NoiseSchedule,
  original: T,
  noise: T,
  timesteps: readonly number[],
): T {
  return combine(schedule, noise, original, timesteps, -1);
}

/** √ᾱ_t first + sign · √(1−ᾱ_t) second */
function combine<T extends tf.Tensor>(
  schedule: NoiseSchedule,
  first: T,
  second: T,
  timesteps: readonly number[],
  sign: number,
): T {
  const alphas = timesteps.map((timestep) => {
    if (!(timestep >= 0)) {
      throw new RangeError(
        `Timestep ${timestep} lies outside the noise schedule, expected 0 to ${schedule.alphasCumprod.length - 1}.`,
      );
    }
    return alphaCumprodAt(schedule, timestep);
  });
  return tf.tidy(() => {
    const column = (value: (alpha: number) => number) =>
      perRow(alphas, rowsOf(first), value, first.rank);
    return tf.add(
      tf.mul(first, column(Math.sqrt)),
      tf.mul(
        second,
        column((alpha) => sign * Math.sqrt(1 - alpha)),
      ),
    );
  });
}
