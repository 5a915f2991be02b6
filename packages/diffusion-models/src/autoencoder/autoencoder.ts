import * as tf from '@tensorflow/tfjs-core';
import { checkGradients } from '../check-gradients';
import { attentionShapes, selfAttention } from '../layers/attention';
import {
  convolution,
  enlargingConvolution,
  halvingConvolution,
  pointwiseConvolution,
} from '../layers/convolution';
import { groupNorm } from '../layers/group-norm';
import { residualBlock, residualBlockShapes } from '../layers/residual-block';
import type { ShapeCollector, WeightShapes } from '../shapes';
import { initializeWeights, shapeCollector } from '../shapes';
import type { ModelParameters, RandomSource, Weights } from '../types';
import type { AutoencoderConfig } from './config';

/** A Gaussian per latent: what the encoder makes of an image. */
export type LatentDistribution = {
  /** `[batch, height / 2^(levels − 1), width / 2^(levels − 1), latentChannels]` */
  readonly mean: tf.Tensor4D;
  /** The same shape, clamped to [−30, 20]. */
  readonly logVariance: tf.Tensor4D;
};

/**
 * `AutoencoderKL.encode` (Rombach et al. 2022): the distribution of an image's latents.
 *
 * Nothing is scaled here; a UNet works on `mean · config.scalingFactor`.
 *
 * @param images `[batch, height, width, inChannels]` in [−1, 1]
 */
export function encodeImages(
  config: AutoencoderConfig,
  weights: Weights,
  images: tf.Tensor4D,
): LatentDistribution {
  checkGradients();
  checkChannels('images', images, config.inChannels);
  return tf.tidy(() => {
    const parameters = { weights };
    const norm = normOf(config);
    let hidden = convolution(parameters, 'encoder.conv_in', images);
    config.blockOutChannels.forEach((_, level) => {
      const path = `encoder.down_blocks.${level}`;
      for (let layer = 0; layer < config.layersPerBlock; layer++) {
        hidden = residualBlock(parameters, `${path}.resnets.${layer}`, hidden, norm);
      }
      if (level < config.blockOutChannels.length - 1) {
        hidden = halvingConvolution(parameters, `${path}.downsamplers.0.conv`, hidden, 'after');
      }
    });
    hidden = middle(parameters, 'encoder', hidden, config);
    hidden = groupNorm(parameters, 'encoder.conv_norm_out', hidden, { ...norm, silu: true });
    hidden = convolution(parameters, 'encoder.conv_out', hidden);
    const moments = pointwiseConvolution(parameters, 'quant_conv', hidden);
    const [mean, logVariance] = tf.split(moments, 2, 3) as [tf.Tensor4D, tf.Tensor4D];
    return { mean, logVariance: tf.clipByValue(logVariance, -30, 20) };
  });
}

/**
 * `AutoencoderKL.decode`: the image of latents.
 *
 * Nothing is scaled here: latents from a UNet come divided by `config.scalingFactor`.
 *
 * @param latents `[batch, height, width, latentChannels]`
 * @returns `[batch, height · 2^(levels − 1), width · 2^(levels − 1), outChannels]`, about [−1, 1], not
 *   clamped
 */
export function decodeLatents(
  config: AutoencoderConfig,
  weights: Weights,
  latents: tf.Tensor4D,
): tf.Tensor4D {
  checkGradients();
  checkChannels('latents', latents, config.latentChannels);
  return tf.tidy(() => {
    const parameters = { weights };
    const norm = normOf(config);
    let hidden = pointwiseConvolution(parameters, 'post_quant_conv', latents);
    hidden = convolution(parameters, 'decoder.conv_in', hidden);
    hidden = middle(parameters, 'decoder', hidden, config);
    config.blockOutChannels.forEach((_, level) => {
      const path = `decoder.up_blocks.${level}`;
      for (let layer = 0; layer < config.layersPerBlock + 1; layer++) {
        hidden = residualBlock(parameters, `${path}.resnets.${layer}`, hidden, norm);
      }
      if (level < config.blockOutChannels.length - 1) {
        const size = [2 * hidden.shape[1], 2 * hidden.shape[2]] as const;
        hidden = enlargingConvolution(parameters, `${path}.upsamplers.0.conv`, hidden, size);
      }
    });
    hidden = groupNorm(parameters, 'decoder.conv_norm_out', hidden, { ...norm, silu: true });
    return convolution(parameters, 'decoder.conv_out', hidden);
  });
}

/** The shape of every weight of the model. */
export function autoencoderShapes(config: AutoencoderConfig): WeightShapes {
  const collect = shapeCollector();
  const { blockOutChannels, latentChannels, layersPerBlock } = config;
  const last = blockOutChannels.length - 1;
  const top = blockOutChannels[0] as number;
  const bottom = blockOutChannels[last] as number;

  collect.convolution('encoder.conv_in', config.inChannels, top, 3);
  let channels = top;
  blockOutChannels.forEach((outputs, level) => {
    const path = `encoder.down_blocks.${level}`;
    for (let layer = 0; layer < layersPerBlock; layer++) {
      residualBlockShapes(collect, `${path}.resnets.${layer}`, channels, outputs);
      channels = outputs;
    }
    if (level < last) collect.convolution(`${path}.downsamplers.0.conv`, channels, channels, 3);
  });
  middleShapes(collect, 'encoder', bottom);
  collect.norm('encoder.conv_norm_out', bottom);
  collect.convolution('encoder.conv_out', bottom, 2 * latentChannels, 3);
  collect.convolution('quant_conv', 2 * latentChannels, 2 * latentChannels, 1);

  collect.convolution('post_quant_conv', latentChannels, latentChannels, 1);
  collect.convolution('decoder.conv_in', latentChannels, bottom, 3);
  middleShapes(collect, 'decoder', bottom);
  [...blockOutChannels].reverse().forEach((outputs, level) => {
    const path = `decoder.up_blocks.${level}`;
    for (let layer = 0; layer < layersPerBlock + 1; layer++) {
      residualBlockShapes(collect, `${path}.resnets.${layer}`, channels, outputs);
      channels = outputs;
    }
    if (level < last) collect.convolution(`${path}.upsamplers.0.conv`, channels, channels, 3);
  });
  collect.norm('decoder.conv_norm_out', top);
  collect.convolution('decoder.conv_out', top, config.outChannels, 3);
  return collect.shapes;
}

/** Fresh weights with PyTorch's default initialisation; the caller owns them. */
export function initializeAutoencoder(
  config: AutoencoderConfig,
  random: RandomSource,
): Record<string, tf.Tensor> {
  return initializeWeights(autoencoderShapes(config), random);
}

/** The middle of encoder and decoder: a residual block, attention over all pixels, another block. */
function middle(
  parameters: ModelParameters,
  half: 'encoder' | 'decoder',
  x: tf.Tensor4D,
  config: AutoencoderConfig,
): tf.Tensor4D {
  const norm = normOf(config);
  const path = `${half}.mid_block`;
  const before = residualBlock(parameters, `${path}.resnets.0`, x, norm);
  const [batch, , , channels] = before.shape;
  const normed = groupNorm(parameters, `${path}.attentions.0.group_norm`, before, norm);
  const tokens: tf.Tensor2D = tf.reshape(normed, [-1, channels]);
  // One head of all channels.
  const size = { batch, heads: 1 };
  const input: tf.Tensor2D = tf.reshape(before, [-1, channels]);
  const attended = selfAttention(parameters, `${path}.attentions.0`, tokens, size, input);
  const after: tf.Tensor4D = tf.reshape(attended, before.shape);
  return residualBlock(parameters, `${path}.resnets.1`, after, norm);
}

function middleShapes(
  collect: ShapeCollector,
  half: 'encoder' | 'decoder',
  channels: number,
): void {
  const path = `${half}.mid_block`;
  residualBlockShapes(collect, `${path}.resnets.0`, channels, channels);
  collect.norm(`${path}.attentions.0.group_norm`, channels);
  attentionShapes(collect, `${path}.attentions.0`, channels, channels, { bias: true });
  residualBlockShapes(collect, `${path}.resnets.1`, channels, channels);
}

/** Every norm of an autoencoder has this ε, whatever the config says. */
function normOf(config: AutoencoderConfig): { groups: number; epsilon: number } {
  return { groups: config.normGroups, epsilon: 1e-6 };
}

function checkChannels(what: string, x: tf.Tensor4D, expected: number): void {
  if (x.rank === 4 && x.shape[3] === expected) return;
  throw new RangeError(
    `${what} have shape [${x.shape.join(', ')}], expected [batch, height, width, ${expected}]`,
  );
}
