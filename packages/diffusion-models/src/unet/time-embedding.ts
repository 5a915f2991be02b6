import * as tf from '@tensorflow/tfjs-core';
import { silu } from '../layers/activations';
import { linear } from '../layers/linear';
import type { ShapeCollector } from '../shapes';
import type { ModelParameters } from '../types';
import type { UNetConfig } from './config';

/** ln 10000, rounded as float32 arithmetic sees it */
const LOG_PERIOD = Math.fround(Math.log(10000));

/**
 * The sinusoid of timesteps (Vaswani et al. 2017, section 3.5, as diffusers has it):
 * cos and sin of t · 10000^(−i / (half − freqShift)) for i < half = channels / 2.
 *
 * diffusers computes it in float32, which near t = 1000 is up to 6e-5 away from the exact value, and
 * models were trained on that: every step is rounded here as it is there.
 *
 * @returns `[timesteps.length, channels]`
 */
export function timestepSinusoid(
  timesteps: readonly number[],
  channels: number,
  options: { flipSinToCos: boolean; freqShift: number },
): tf.Tensor2D {
  const half = Math.floor(channels / 2);
  const values = new Float32Array(timesteps.length * channels);
  const [cosOffset, sinOffset] = options.flipSinToCos ? [0, half] : [half, 0];
  for (let i = 0; i < half; i++) {
    const exponent = Math.fround(Math.fround(-LOG_PERIOD * i) / (half - options.freqShift));
    const frequency = Math.fround(Math.exp(exponent));
    timesteps.forEach((timestep, row) => {
      const angle = Math.fround(Math.fround(timestep) * frequency);
      values[row * channels + cosOffset + i] = Math.cos(angle);
      values[row * channels + sinOffset + i] = Math.sin(angle);
    });
  }
  return tf.tensor2d(values, [timesteps.length, channels]);
}

/**
 * The embedding of timesteps that all residual blocks share: sinusoid, linear, SiLU, linear.
 *
 * @param sinusoid `[timesteps, blockOutChannels[0]]`
 * @returns `[timesteps, 4 · blockOutChannels[0]]`
 */
export function timeEmbedding(parameters: ModelParameters, sinusoid: tf.Tensor2D): tf.Tensor2D {
  const hidden = silu(linear(parameters, 'time_embedding.linear_1', sinusoid));
  return linear(parameters, 'time_embedding.linear_2', hidden) as tf.Tensor2D;
}

export function timeEmbeddingChannels(config: UNetConfig): number {
  return 4 * (config.blockOutChannels[0] as number);
}

export function timeEmbeddingShapes(collect: ShapeCollector, config: UNetConfig): void {
  const channels = timeEmbeddingChannels(config);
  collect.linear('time_embedding.linear_1', config.blockOutChannels[0] as number, channels);
  collect.linear('time_embedding.linear_2', channels, channels);
}
