import * as tf from '@tensorflow/tfjs-core';
import { silu } from '../layers/activations';
import { projectContext } from '../layers/attention';
import { checkpointed } from '../layers/checkpointed';
import { convolution, halvingConvolution } from '../layers/convolution';
import { groupNorm } from '../layers/group-norm';
import { residualBlock, residualBlockShapes } from '../layers/residual-block';
import { resizeNearest } from '../layers/upsampling';
import type { WeightShapes } from '../shapes';
import { initializeWeights, shapeCollector } from '../shapes';
import type { LoraAdapter, ModelParameters, RandomSource, Weights } from '../types';
import type { UNetConfig } from './config';
import {
  timeEmbedding,
  timeEmbeddingChannels,
  timeEmbeddingShapes,
  timestepSinusoid,
} from './time-embedding';
import { transformer, transformerShapes, type TransformerSize } from './transformer';

export interface UNetInput {
  /** Noisy latents, `[batch, height, width, inChannels]`. */
  readonly sample: tf.Tensor4D;
  /**
   * In [0, trained timesteps); one for all rows, or one per row. Or their sinusoids, `[1 or batch, blockOutChannels[0]]`
   * from {@link unetTimesteps}: a tensor, for a function that is compiled once and serves any timestep.
   */
  readonly timesteps: number | readonly number[] | tf.Tensor2D;
  /** The text encoder's output, `[batch, tokens, crossAttentionDim]`, or what {@link unetText} makes of it. */
  readonly encoderHiddenStates: tf.Tensor3D | UNetText;
  /** What Stable Diffusion XL is told besides, `[1 or batch, addedCondition.channels]` from {@link addedCondition}. */
  readonly added?: tf.Tensor2D | undefined;
  readonly lora?: LoraAdapter | undefined;
  /**
   * Keep each layer's input alone for the gradient, and run the layer again for it: much less memory for about a third more
   * arithmetic. The gradient is then that of the sample and the adapter, or where there is none of the weights; those of an
   * adapted model count as constant.
   */
  readonly checkpoint?: boolean | undefined;
}

/** Keys and values of the text, side by side, for every cross-attention by its path: `[batch, tokens, 2 · channels]`. */
export type UNetText = Readonly<Record<string, tf.Tensor3D>>;

/**
 * The part of the UNet that depends on the text alone. Many calls with the same text and the same weights need it once.
 *
 * @param encoderHiddenStates `[batch, tokens, crossAttentionDim]`
 */
export function unetText(
  weights: Weights,
  encoderHiddenStates: tf.Tensor3D,
  lora?: LoraAdapter,
): UNetText {
  const [batch, tokens, channels] = encoderHiddenStates.shape;
  const suffix = '.to_k.weight';
  const paths = Object.keys(weights)
    .filter((key) => key.endsWith(`.attn2${suffix}`))
    .map((key) => key.slice(0, -suffix.length));
  return tf.tidy(() => {
    const rows: tf.Tensor2D = tf.reshape(encoderHiddenStates, [-1, channels]);
    const project = (path: string): tf.Tensor3D =>
      tf.reshape(projectContext({ weights, lora }, path, rows), [batch, tokens, -1]);
    return Object.fromEntries(paths.map((path) => [path, project(path)]));
  });
}

/**
 * `UNet2DConditionModel` (Rombach et al. 2022): the noise, or velocity, in noisy latents.
 *
 * Any height and width of at least 2^(levels − 1). Differentiable in the sample, the text, the weights
 * and the adapter; what is not asked for is not computed.
 *
 * @returns `[batch, height, width, outChannels]`
 */
export function unet(config: UNetConfig, weights: Weights, input: UNetInput): tf.Tensor4D {
  checkInput(config, input);
  return tf.tidy(() => {
    const parameters = { weights, lora: input.lora };
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
      if (input.checkpoint === true) {
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
        const enlarged = resizeNearest(hidden, [height, width]);
        hidden = convolution(parameters, `${path}.upsamplers.0.conv`, enlarged);
      }
    }

    hidden = groupNorm(parameters, 'conv_norm_out', hidden, { ...norm, silu: true });
    return convolution(parameters, 'conv_out', hidden);
  });
}

type AttentionBlock = (
  parameters: ModelParameters,
  x: tf.Tensor4D,
  text: UNetInput['encoderHiddenStates'],
) => tf.Tensor4D;

const NONE = /$^/;

/** A block of which the gradient keeps its inputs and its own part of what is trained: the adapter, or without one the weights. */
function checkpointedBlock(
  { weights, lora }: ModelParameters,
  path: string,
  inputs: readonly tf.Tensor[],
  block: (parameters: ModelParameters, ...inputs: tf.Tensor[]) => tf.Tensor4D,
  /** Keys of weights that the block does without. */
  unused = NONE,
): tf.Tensor4D {
  const trained = Object.entries(lora?.weights ?? weights).filter(
    ([key]) => key.startsWith(`${path}.`) && !unused.test(key),
  );
  return checkpointed([...inputs, ...trained.map(([, weight]) => weight)], (...given) => {
    const own = Object.fromEntries(
      trained.map(([key], index) => [key, given[inputs.length + index]]),
    ) as Weights;
    const parameters =
      lora === undefined
        ? { weights: { ...weights, ...own } }
        : { weights, lora: { ...lora, weights: own } };
    return block(parameters, ...given.slice(0, inputs.length));
  }) as tf.Tensor4D;
}

/** What keys and values of the text are made with, beforehand where they are at hand. */
const TEXT_PROJECTION = /\.attn2\.to_[kv]\./;

/** The same of a transformer: the text is one of its inputs. */
function checkpointedAttention(
  parameters: ModelParameters,
  path: string,
  x: tf.Tensor4D,
  text: UNetInput['encoderHiddenStates'],
  block: AttentionBlock,
): tf.Tensor4D {
  if (text instanceof tf.Tensor) {
    return checkpointedBlock(parameters, path, [x, text], (own, at, given) =>
      block(own, at as tf.Tensor4D, given as tf.Tensor3D),
    );
  }
  const texts = Object.entries(text).filter(([key]) => key.startsWith(`${path}.`));
  const inputs = [x, ...texts.map(([, tensor]) => tensor)];
  return checkpointedBlock(
    parameters,
    path,
    inputs,
    (own, at, ...given) => {
      const named = texts.map(([key], index) => [key, given[index] as tf.Tensor3D]);
      return block(own, at as tf.Tensor4D, Object.fromEntries(named) as UNetText);
    },
    TEXT_PROJECTION,
  );
}

/** Keys and values for a cross-attention's path, `[batch · tokens, 2 · channels]`. */
function textReader(
  parameters: ModelParameters,
  text: UNetInput['encoderHiddenStates'],
): (path: string) => tf.Tensor2D {
  const rows = (tensor: tf.Tensor3D): tf.Tensor2D => tf.reshape(tensor, [-1, tensor.shape[2]]);
  if (text instanceof tf.Tensor) return (path) => projectContext(parameters, path, rows(text));
  return (path) => {
    const keysAndValues = text[path];
    if (keysAndValues !== undefined) return rows(keysAndValues);
    throw new Error(
      `The text lacks keys and values for ${path}; make it with this model's weights.`,
    );
  };
}

/** Sinusoids of timesteps, `[timesteps, blockOutChannels[0]]`; a tensor of them is left as it is. */
export function unetTimesteps(config: UNetConfig, timesteps: UNetInput['timesteps']): tf.Tensor2D {
  if (timesteps instanceof tf.Tensor) return timesteps;
  const list = typeof timesteps === 'number' ? [timesteps] : timesteps;
  return timestepSinusoid(list, config.blockOutChannels[0] as number, config);
}

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

interface Block {
  readonly path: string;
  readonly outputs: number;
  /** `undefined` where the block has no attention. */
  readonly size: TransformerSize | undefined;
  readonly isLast: boolean;
}

function downBlocks(config: UNetConfig): Block[] {
  return config.downBlockTypes.map((type, level) => ({
    path: `down_blocks.${level}`,
    outputs: config.blockOutChannels[level] as number,
    size: type === 'CrossAttnDownBlock2D' ? transformerSize(config, level) : undefined,
    isLast: level === config.downBlockTypes.length - 1,
  }));
}

/** Up blocks count from the bottom, unlike the levels. */
function upBlocks(config: UNetConfig): Block[] {
  const last = config.upBlockTypes.length - 1;
  return config.upBlockTypes.map((type, index) => ({
    path: `up_blocks.${index}`,
    outputs: config.blockOutChannels[last - index] as number,
    size: type === 'CrossAttnUpBlock2D' ? transformerSize(config, last - index) : undefined,
    isLast: index === last,
  }));
}

function transformerSize(config: UNetConfig, level: number): TransformerSize {
  return {
    heads: config.attentionHeads[level] as number,
    layers: config.transformerLayers[level] as number,
  };
}

function checkInput(config: UNetConfig, input: UNetInput): void {
  const { sample, timesteps, added, encoderHiddenStates: text } = input;
  const expect = (what: string, shape: readonly number[], isRight: boolean, expected: string) => {
    if (!isRight) {
      throw new RangeError(`${what} has shape [${shape.join(', ')}], expected [${expected}]`);
    }
  };
  const [batch] = sample.shape;
  expect(
    'sample',
    sample.shape,
    sample.rank === 4 && sample.shape[3] === config.inChannels,
    `batch, height, width, ${config.inChannels}`,
  );
  if (text instanceof tf.Tensor) {
    expect(
      'encoderHiddenStates',
      text.shape,
      text.rank === 3 && text.shape[0] === batch && text.shape[2] === config.crossAttentionDim,
      `${batch}, tokens, ${config.crossAttentionDim}`,
    );
  } else {
    for (const [path, { shape }] of Object.entries(text)) {
      expect(path, shape, shape[0] === batch, `${batch}, tokens, 2 · channels`);
    }
  }
  const { channels: addedChannels } = config.addedCondition ?? {};
  const [addedRows, addedWidth] = added?.shape ?? [];
  expect(
    'added',
    added?.shape ?? [],
    addedWidth === addedChannels && (added === undefined || addedRows === 1 || addedRows === batch),
    addedChannels === undefined ? '' : `1 or ${batch}, ${addedChannels}`,
  );
  if (timesteps instanceof tf.Tensor) {
    const [rows, channels] = timesteps.shape;
    const width = config.blockOutChannels[0] as number;
    const fits = (rows === 1 || rows === batch) && channels === width;
    expect('timesteps', timesteps.shape, fits, `1 or ${batch}, ${width}`);
  } else if (typeof timesteps !== 'number' && timesteps.length !== batch) {
    throw new RangeError(`${timesteps.length} timesteps for ${batch} rows of the sample`);
  }
}
