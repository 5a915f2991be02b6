/** How much memory a model will need, from its configuration alone: before gigabytes are fetched or a run dies half-way. */
import {
  attentionScoresAtOnce,
  autoencoderShapes,
  isLayerWeight,
  readStableDiffusionConfigs,
  textEncoderShapes,
  unetShapes,
  type AutoencoderConfig,
  type FileReader,
  type StableDiffusionConfigs,
  type UNetConfig,
  type WeightShapes,
} from '@loop-diffusion/diffusion-models';

import { tileSide } from './decode';

/** Bytes in all, the library included. */
export interface MemoryEstimate {
  /** As they are kept. */
  readonly weights: number;
  /** Drawing one image. */
  readonly sample: number;
  /** The same in a run, with an adapter of the attention layers merged into weights of its own. */
  readonly rollout: number;
  /** The gradient of one (image, denoise step) pair. */
  readonly update: number;
  /** The same with `gradientCheckpointing`. */
  readonly checkpointedUpdate: number;
  /** Decoding one image, whole and in tiles. */
  readonly decode: number;
  readonly tiledDecode: number;
  /** One picture that is kept, as those of an evaluation and of an iteration are until they are scored; alone. */
  readonly picture: number;
}

export interface MemoryEstimates {
  readonly memory: MemoryEstimate;
  /** With `memory.frozenWeights: bfloat16`. */
  readonly narrow: MemoryEstimate;
}

export interface EstimateOptions {
  /** Pixels; null for the size that the model was made for. */
  readonly height?: number | null | undefined;
  readonly width?: number | null | undefined;
  /** Above 1 every image is two rows of the network. */
  readonly guidance: number;
  /** How the weights of layers are kept (default: float32). */
  readonly frozenWeights?: 'float32' | 'bfloat16' | undefined;
}

const FLOAT = 4;
/** TensorFlow and Node.js with nothing loaded. */
const LIBRARY = 0.45e9;

/** @throws Error that names what of the folder is missing, damaged or not supported */
export async function readMemoryEstimates(
  reader: FileReader,
  options: Omit<EstimateOptions, 'frozenWeights'>,
): Promise<MemoryEstimates> {
  const configs = await readStableDiffusionConfigs(reader);
  return {
    memory: estimateMemory(configs, options),
    narrow: estimateMemory(configs, { ...options, frozenWeights: 'bfloat16' }),
  };
}

/**
 * Counts what is held at a time: the weights, the tensors that wait for the way up or back, and the largest layer's own. The
 * factors are what was measured of Stable Diffusion 1.5 at 512 pixels; for other models expect it within a quarter.
 */
export function estimateMemory(
  { unet, vae, textEncoders }: StableDiffusionConfigs,
  { height, width, guidance, frozenWeights }: EstimateOptions,
): MemoryEstimate {
  const factor = 2 ** (vae.blockOutChannels.length - 1);
  const side = unet.sampleSize * factor;
  const pixels = (height ?? side) * (width ?? side);
  const rows = guidance > 1 ? 2 : 1;
  const bytesOfALayer = frozenWeights === 'bfloat16' ? FLOAT / 2 : FLOAT;
  const weights =
    FLOAT * count(autoencoderShapes(vae)) +
    sum(
      [unetShapes(unet), ...textEncoders.map(textEncoderShapes)].map((shapes) => {
        const inLayers = count(shapes, isLayerWeight);
        return FLOAT * (count(shapes) - inLayers) + bytesOfALayer * inLayers;
      }),
    );
  const held = LIBRARY + weights;
  // Of what an adapter changes there is a copy in float32: all while images are drawn, and of a pair what the gradient has kept.
  const adapted = FLOAT * count(unetShapes(unet), (key) => ATTENTION_WEIGHT.test(key));
  const latentPixels = pixels / factor ** 2;
  const layers = layersOf(unet, latentPixels, rows);
  const saved = sum(layers.map((layer) => layer.saved));
  const keptScores = sum(layers.map((layer) => layer.keptScores));
  const inputs = sum(layers.map((layer) => layer.input));
  const largest = Math.max(...layers.map((layer) => rows * layer.saved + layer.keptScores));
  const working = Math.max(...layers.map((layer) => layer.working));
  const scores = SCORE_COPIES * Math.max(...layers.map((layer) => layer.scores));
  const sample = held + FLOAT * (rows * (inputs + working) + scores);
  // The decoder's widest feature map is the last one that was enlarged.
  const widest = (vae.blockOutChannels[1] ?? vae.blockOutChannels[0] ?? 0) * FEATURE_MAPS;
  const tile = Math.min(pixels, (tileSide(vae) * factor) ** 2);
  const decoding = (imagePixels: number): number =>
    FLOAT * Math.max(imagePixels * widest, middleBlock(vae, imagePixels / factor ** 2));
  return {
    weights,
    sample,
    rollout: sample + adapted,
    update: held + adapted + FLOAT * (HELD_FOR_GRADIENT * (rows * saved + keptScores) + scores),
    checkpointedUpdate: held + FLOAT * (HELD_FOR_GRADIENT * (rows * inputs + largest) + scores),
    decode: held + decoding(pixels),
    // Besides a tile there are the image's own numbers.
    tiledDecode: held + decoding(tile) + FLOAT * 4 * pixels * vae.outChannels,
    picture: FLOAT * pixels * vae.outChannels,
  };
}

/** Of the layers that an adapter changes unless told. */
const ATTENTION_WEIGHT = /\.to_(q|k|v|out\.0)\.weight$/;
/** Numbers that a gradient holds for each that a layer is known to save: there are as many again on the way. */
const HELD_FOR_GRADIENT = 2;
/** Feature maps that the decoder holds at once. */
const FEATURE_MAPS = 5.6;
/** Of a piece of attention: the scores, their exponentials and the probabilities. */
const SCORE_COPIES = 3;

/** Numbers that the decoder's middle block holds: queries, keys, values and what becomes of them, and one head's scores. */
function middleBlock({ blockOutChannels }: AutoencoderConfig, pixels: number): number {
  const scores = attentionScoresAtOnce({ heads: 1, queries: pixels, keys: pixels });
  return 6 * pixels * (blockOutChannels.at(-1) ?? 0) + SCORE_COPIES * scores;
}

/** Numbers of one row, but for scores. */
interface Layer {
  readonly input: number;
  /** Saved for the gradient. */
  readonly saved: number;
  /** Held at once on the way forward. */
  readonly working: number;
  /** Of attention, of all rows, at once. */
  readonly scores: number;
  /** Of all rows, saved for the gradient: those that fit at once. */
  readonly keptScores: number;
}

function layersOf(unet: UNetConfig, latentPixels: number, rows: number): Layer[] {
  const layers: Layer[] = [];
  const residual = (pixels: number, inputs: number, outputs: number): void => {
    layers.push({
      input: pixels * inputs,
      // Input, normed input and gate; the same of the second half.
      saved: 3 * pixels * (inputs + outputs),
      working: 4 * pixels * Math.max(inputs, outputs),
      scores: 0,
      keptScores: 0,
    });
  };
  const transformer = (level: number, pixels: number): void => {
    const channels = unet.blockOutChannels[level] as number;
    const heads = rows * (unet.attentionHeads[level] as number);
    const scores = attentionScoresAtOnce({ heads, queries: pixels, keys: pixels });
    const blocks = unet.transformerLayers[level] as number;
    layers.push({
      input: pixels * channels,
      saved: blocks * 30 * pixels * channels,
      // The feed-forward network is four times as wide.
      working: 4 * 4 * pixels * channels,
      scores,
      keptScores: scores === heads * pixels ** 2 ? blocks * scores : 0,
    });
  };
  const levels = unet.blockOutChannels.map((channels, level) => ({
    ...{ channels, level, pixels: latentPixels / 4 ** level },
    attends: unet.downBlockTypes[level] === 'CrossAttnDownBlock2D',
  }));
  const skips: number[] = [unet.blockOutChannels[0] as number];
  let channels = skips[0] as number;
  for (const { channels: outputs, level, pixels, attends } of levels) {
    for (let layer = 0; layer < unet.layersPerBlock; layer += 1) {
      residual(pixels, channels, outputs);
      if (attends) transformer(level, pixels);
      channels = outputs;
      skips.push(channels);
    }
    if (level < levels.length - 1) skips.push(channels);
  }
  const bottom = levels.at(-1) as (typeof levels)[number];
  residual(bottom.pixels, channels, channels);
  transformer(bottom.level, bottom.pixels);
  residual(bottom.pixels, channels, channels);
  for (const { channels: outputs, level, pixels } of [...levels].reverse()) {
    for (let layer = 0; layer <= unet.layersPerBlock; layer += 1) {
      residual(pixels, channels + (skips.pop() ?? 0), outputs);
      if (unet.upBlockTypes[levels.length - 1 - level] === 'CrossAttnUpBlock2D') {
        transformer(level, pixels);
      }
      channels = outputs;
    }
  }
  return layers;
}

/** Numbers of those weights that are asked for. */
function count(
  shapes: WeightShapes,
  isCounted: (key: string, shape: readonly number[]) => boolean = () => true,
): number {
  return sum(
    Object.entries(shapes)
      .filter(([key, shape]) => isCounted(key, shape))
      .map(([, shape]) => shape.reduce((size, n) => size * n, 1)),
  );
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
