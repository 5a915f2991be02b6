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
 * In [0, trained timesteps); one for all rows, or one per row. Or their sinusoids, `[1 or batch, blockOutChannels[0]]` from
 * {@link unetTimesteps}: a tensor, for a function that is compiled once and serves any timestep.
 */
export type Timesteps = number | readonly number[] | tf.Tensor2D;

/** Sinusoids of timesteps, `[timesteps, blockOutChannels[0]]`; a tensor of them is left as it is. */
export function unetTimesteps(config: UNetConfig, timesteps: Timesteps): tf.Tensor2D {
  if (timesteps instanceof tf.Tensor) return timesteps;
  const list = typeof timesteps === 'number' ? [timesteps] : timesteps;
  return timestepSinusoid(list, config.blockOutChannels[0] as number, config);
}

/**
 * The embedding that all residual blocks share: the timesteps', and of Stable Diffusion XL's added condition; each goes through
 * linear, SiLU, linear.
 *
 * @param sinusoid `[timesteps, blockOutChannels[0]]`
 * @param added `[1 or rows, addedCondition.channels]`
 * @returns `[1 or rows, 4 · blockOutChannels[0]]`
 */
export function timeEmbedding(
  parameters: ModelParameters,
  sinusoid: tf.Tensor2D,
  added?: tf.Tensor2D,
): tf.Tensor2D {
  const embed = (path: string, x: tf.Tensor2D): tf.Tensor2D =>
    linear(
      parameters,
      `${path}.linear_2`,
      silu(linear(parameters, `${path}.linear_1`, x)),
    ) as tf.Tensor2D;
  const time = embed('time_embedding', sinusoid);
  return added === undefined ? time : tf.add(time, embed('add_embedding', added));
}

/**
 * Stable Diffusion XL's added condition of texts and sizes: the text's embedding beside the sinusoids of the sizes (Podell et
 * al. 2023, SDXL, arXiv:2307.01952, section 2.2).
 *
 * @param textEmbedding of the second text encoder, projected, `[rows, width]`
 * @param sizes of each row: original height and width, top and left of the crop, target height and width, in pixels
 * @returns `[rows, addedCondition.channels]`
 * @throws RangeError when the model has no added condition, or one of another width
 */
export function addedCondition(
  config: UNetConfig,
  textEmbedding: tf.Tensor2D,
  sizes: readonly number[],
): tf.Tensor2D {
  const [rows, width] = textEmbedding.shape;
  const { sizeChannels, channels } = config.addedCondition ?? { sizeChannels: 0, channels: 0 };
  if (channels === 0) throw new RangeError('This UNet takes no added condition.');
  if (width + sizes.length * sizeChannels !== channels) {
    throw new RangeError(
      `A text embedding of ${width} channels and ${sizes.length} sizes of ${sizeChannels} make no added condition of ${channels} channels.`,
    );
  }
  return tf.tidy(() => {
    const sinusoids = tf.reshape(timestepSinusoid(sizes, sizeChannels, config), [1, -1]);
    return tf.concat([textEmbedding, tf.tile(sinusoids, [rows, 1])], 1) as tf.Tensor2D;
  });
}

export function timeEmbeddingChannels(config: UNetConfig): number {
  return 4 * (config.blockOutChannels[0] as number);
}

export function timeEmbeddingShapes(collect: ShapeCollector, config: UNetConfig): void {
  const channels = timeEmbeddingChannels(config);
  const embed = (path: string, inputs: number): void => {
    collect.linear(`${path}.linear_1`, inputs, channels);
    collect.linear(`${path}.linear_2`, channels, channels);
  };
  embed('time_embedding', config.blockOutChannels[0] as number);
  if (config.addedCondition !== undefined) embed('add_embedding', config.addedCondition.channels);
}
