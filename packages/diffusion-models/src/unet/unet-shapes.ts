/** The weights of a UNet: their shapes, and fresh ones. */
import type * as tf from '@tensorflow/tfjs-core';
import { residualBlockShapes } from '../layers/residual-block';
import type { WeightShapes } from '../shapes';
import { initializeWeights, shapeCollector } from '../shapes';
import type { RandomSource } from '../types';
import type { UNetConfig } from './config';
import { timeEmbeddingChannels, timeEmbeddingShapes } from './time-embedding';
import { transformerShapes, type TransformerSize } from './transformer';
import { downBlocks, transformerSize, upBlocks } from './unet-blocks';

/** The shape of every weight of the model. */
export function unetShapes(config: UNetConfig): WeightShapes {
  const collect = shapeCollector();
  const timeChannels = timeEmbeddingChannels(config);
  const layer = (
    path: string,
    index: number,
    inputs: number,
    outputs: number,
    size: TransformerSize | undefined,
  ) => {
    residualBlockShapes(collect, `${path}.resnets.${index}`, inputs, outputs, timeChannels);
    if (size === undefined) return;
    transformerShapes(collect, config, `${path}.attentions.${index}`, outputs, size.layers);
  };

  let channels = config.blockOutChannels[0] as number;
  const skips = [channels];
  collect.convolution('conv_in', config.inChannels, channels, 3);
  timeEmbeddingShapes(collect, config);
  for (const { path, outputs, size, isLast } of downBlocks(config)) {
    for (let index = 0; index < config.layersPerBlock; index++) {
      layer(path, index, channels, outputs, size);
      channels = outputs;
      skips.push(channels);
    }
    if (!isLast) {
      collect.convolution(`${path}.downsamplers.0.conv`, channels, channels, 3);
      skips.push(channels);
    }
  }

  layer(
    'mid_block',
    0,
    channels,
    channels,
    transformerSize(config, config.blockOutChannels.length - 1),
  );
  layer('mid_block', 1, channels, channels, undefined);

  for (const { path, outputs, size, isLast } of upBlocks(config)) {
    for (let index = 0; index <= config.layersPerBlock; index++) {
      layer(path, index, channels + (skips.pop() as number), outputs, size);
      channels = outputs;
    }
    if (!isLast) collect.convolution(`${path}.upsamplers.0.conv`, channels, channels, 3);
  }

  collect.norm('conv_norm_out', channels);
  collect.convolution('conv_out', channels, config.outChannels, 3);
  return collect.shapes;
}

/** Fresh weights with PyTorch's default initialisation; the caller owns them. */
export function initializeUNet(
  config: UNetConfig,
  random: RandomSource,
): Record<string, tf.Tensor> {
  return initializeWeights(unetShapes(config), random);
}
