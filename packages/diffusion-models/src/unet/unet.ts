import * as tf from '@tensorflow/tfjs-core';
import { checkGradients } from '../check-gradients';
import { silu } from '../layers/activations';
import { convolution, enlargingConvolution, halvingConvolution } from '../layers/convolution';
import { groupNorm } from '../layers/group-norm';
import { residualBlock } from '../layers/residual-block';
import type { Weights } from '../types';
import type { UNetConfig } from './config';
import { timeEmbedding, unetTimesteps } from './time-embedding';
import { transformer, type TransformerSize } from './transformer';
import { downBlocks, transformerSize, upBlocks } from './unet-blocks';
import { checkpointedAttention, checkpointedBlock, type AttentionBlock } from './unet-checkpoints';
import { checkInput, type UNetInput } from './unet-input';
import { textReader } from './unet-text';

/**
 * `UNet2DConditionModel` (Rombach et al. 2022): the noise, or velocity, in noisy latents.
 *
 * Any height and width of at least 2^(levels − 1). Differentiable in the sample, the text, the weights
 * and the adapter; what is not asked for is not computed.
 *
 * @returns `[batch, height, width, outChannels]`
 */
export function unet(config: UNetConfig, weights: Weights, input: UNetInput): tf.Tensor4D {
  checkGradients();
  checkInput(config, input);
  return tf.tidy(() => {
    const parameters = { weights, lora: input.lora, observe: input.observe };
    const norm = { groups: config.normGroups, epsilon: config.normEpsilon };
    const sinusoids = unetTimesteps(config, input.timesteps);
    const time = silu(timeEmbedding(parameters, sinusoids, input.added));
    const layer = (
      path: string,
      index: number,
      x: tf.Tensor4D,
      size: TransformerSize | undefined,
    ) => {
      const residualPath = `${path}.resnets.${index}`;
      const attentionPath = `${path}.attentions.${index}`;
      const attend: AttentionBlock = (used, at, text) =>
        transformer(
          config,
          used,
          attentionPath,
          at,
          textReader(used, text),
          size as TransformerSize,
        );
      const text = input.encoderHiddenStates;
      if (input.gradientCheckpointing === true) {
        const hidden = checkpointedBlock(parameters, residualPath, [x, time], (used, at, when) =>
          residualBlock(used, residualPath, at as tf.Tensor4D, norm, when as tf.Tensor2D),
        );
        if (size === undefined) return hidden;
        return checkpointedAttention(parameters, attentionPath, hidden, text, attend);
      }
      const hidden = tf.tidy(() => residualBlock(parameters, residualPath, x, norm, time));
      return size === undefined ? hidden : tf.tidy(() => attend(parameters, hidden, text));
    };

    let hidden = convolution(parameters, 'conv_in', input.sample);
    const skips = [hidden];
    for (const { path, size, isLast } of downBlocks(config)) {
      for (let index = 0; index < config.layersPerBlock; index++) {
        hidden = layer(path, index, hidden, size);
        skips.push(hidden);
      }
      if (!isLast) {
        hidden = halvingConvolution(parameters, `${path}.downsamplers.0.conv`, hidden, 'around');
        skips.push(hidden);
      }
    }

    hidden = layer(
      'mid_block',
      0,
      hidden,
      transformerSize(config, config.blockOutChannels.length - 1),
    );
    hidden = layer('mid_block', 1, hidden, undefined);

    for (const { path, size, isLast } of upBlocks(config)) {
      for (let index = 0; index <= config.layersPerBlock; index++) {
        hidden = layer(path, index, tf.concat([hidden, skips.pop() as tf.Tensor4D], 3), size);
      }
      if (!isLast) {
        // To the size of the next skip, which need not be twice this one's.
        const [, height, width] = (skips.at(-1) as tf.Tensor4D).shape;
        hidden = enlargingConvolution(parameters, `${path}.upsamplers.0.conv`, hidden, [
          height,
          width,
        ]);
      }
    }

    hidden = groupNorm(parameters, 'conv_norm_out', hidden, { ...norm, silu: true });
    return convolution(parameters, 'conv_out', hidden);
  });
}
