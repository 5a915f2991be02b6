import type { SafetensorsTensor } from '@loop-diffusion/safetensors';
import * as tf from '@tensorflow/tfjs-core';
import { autoencoderShapes } from '../autoencoder/autoencoder';
import { parseAutoencoderConfig, type AutoencoderConfig } from '../autoencoder/config';
import { updateAutoencoderWeights } from '../autoencoder/legacy-weights';
import type { WeightShapes } from '../shapes';
import { checkWeights } from '../shapes';
import { parseTextEncoderConfig, type TextEncoderConfig } from '../text-encoder/config';
import { textEncoderShapes } from '../text-encoder/shapes';
import type { ClipTokenizer, ClipTokenizerFiles } from '../tokenizer/clip-tokenizer';
import { createClipTokenizer } from '../tokenizer/clip-tokenizer';
import { filesFromTokenizerJson } from '../tokenizer/tokenizer-json';
import type { FileReader } from '../types';
import { parseUNetConfig, type UNetConfig } from '../unet/config';
import { unetShapes } from '../unet/unet-shapes';
import { weightsFromStream, type StoreWeight, type WidenHalves } from '../weights';
import { describe, readJson, readOptionalJson, readText } from './small-files';
import { readModelIndex, type ModelIndex } from './model-index';
import type { ModelPart, StableDiffusion } from './stable-diffusion';
import { openWeights, type OpenWeights } from './weights-files';

type TensorRecord = Record<string, tf.Tensor>;

export interface LoadOptions {
  /** Called as weights are read, with bytes so far and in all. */
  readonly onProgress?: ((bytes: number, totalBytes: number) => void) | undefined;
  /** Such as `widenOnDevice` of `@loop-diffusion/native-tensorflow`. */
  readonly widen?: WidenHalves | undefined;
  /**
   * Given the weights of the UNet's and the text encoders' linear layers and convolutions, which are nearly all of a model's
   * memory. Norms, biases, embeddings and the autoencoder stay float32.
   */
  readonly store?: StoreWeight | undefined;
}

const EMBEDDING = /(^|[._])embeddings?\./;

/** Whether a weight of a UNet or a text encoder is one of those that {@link LoadOptions.store} is given. */
export function isLayerWeight(key: string, shape: readonly number[]): boolean {
  return shape.length > 1 && !EMBEDDING.test(key);
}

function storeLayers(store: StoreWeight): StoreWeight {
  return (weight, key) => (isLayerWeight(key, weight.shape) ? store(weight, key) : undefined);
}

/**
 * Loads a Stable Diffusion 1, 2 or XL from a diffusers folder (`model_index.json`, `unet/`, `vae/`, `text_encoder/`, `tokenizer/`,
 * `scheduler/`, and of XL `text_encoder_2/`, `tokenizer_2/`). Weights come from safetensors files alone, whole or in shards, and
 * are widened to float32 a tensor at a time. Only files with these fixed names, and plain names beside an index of shards, are
 * asked for: nothing in the folder can point elsewhere.
 *
 * @throws Error that names the file and what to do: a missing or damaged file, a class or option that is not supported, or
 *   weights that do not fit their configuration
 */
export async function loadStableDiffusion(
  reader: FileReader,
  { onProgress, widen, store }: LoadOptions = {},
): Promise<StableDiffusion> {
  const { index, unetConfig, autoencoderConfig, text, text2, scheduler } = await readParts(reader);
  const files: OpenWeights[] = [];
  const openPart = async <Config>(
    config: Config,
    folder: string,
    stem: string,
    shapes: WeightShapes,
  ): Promise<() => Promise<ModelPart<Config>>> => {
    const file = await openWeights(reader, folder, stem);
    files.push(file);
    return async () => {
      let weights = await weightsFromStream(
        counted(file),
        widen,
        describe(reader, file.path),
        folder === 'vae' ? undefined : store && storeLayers(store),
      );
      if (folder === 'vae') weights = updateAutoencoderWeights(weights);
      loaded.set(folder, weights);
      checkWeights(describe(reader, file.path), weights, shapes);
      return { config, weights };
    };
  };
  const openText = ({ config, folder }: TextParts) =>
    openPart(config, folder, TRANSFORMERS_STEM, textEncoderShapes(config));

  let done = 0;
  async function* counted(file: OpenWeights): AsyncGenerator<readonly [string, SafetensorsTensor]> {
    const total = files.reduce((sum, { bytes }) => sum + bytes, 0);
    for await (const [key, tensor] of file.tensors()) {
      yield [key, tensor];
      done += tensor.bytes.length;
      onProgress?.(done, total);
    }
  }

  const loaded = new Map<string, TensorRecord>();
  const free = (...folders: string[]): void => {
    for (const folder of folders) {
      tf.dispose(loaded.get(folder));
      loaded.delete(folder);
    }
  };
  const dispose = (): void => {
    free(...loaded.keys());
  };
  try {
    const loadTextEncoder = await openText(text);
    const loadTextEncoder2 = text2 && (await openText(text2));
    const loadUNet = await openPart(unetConfig, 'unet', DIFFUSERS_STEM, unetShapes(unetConfig));
    const shapes = autoencoderShapes(autoencoderConfig);
    const loadAutoencoder = await openPart(autoencoderConfig, 'vae', DIFFUSERS_STEM, shapes);
    return {
      textEncoder: await loadTextEncoder(),
      textEncoder2: await loadTextEncoder2?.(),
      unet: await loadUNet(),
      vae: await loadAutoencoder(),
      tokenizer: text.tokenizer,
      tokenizer2: text2?.tokenizer,
      tokenizerFiles: text.files,
      tokenizerFiles2: text2?.files,
      zeroEmptyPrompt: index.zeroEmptyPrompt,
      scheduler,
      notes: index.notes,
      releaseTextEncoders: () => {
        free('text_encoder', 'text_encoder_2');
      },
      dispose,
    };
  } catch (error) {
    dispose();
    throw error;
  } finally {
    await Promise.all(files.map((file) => file.close()));
  }
}

/** What a model looks like, without its weights. */
export interface StableDiffusionConfigs {
  readonly unet: UNetConfig;
  readonly vae: AutoencoderConfig;
  /** One, or two of Stable Diffusion XL. */
  readonly textEncoders: readonly TextEncoderConfig[];
}

/**
 * Reads and checks the small files of a folder alone: what {@link loadStableDiffusion} would load, and that it would.
 *
 * @throws as {@link loadStableDiffusion} does, but for weights
 */
export async function readStableDiffusionConfigs(
  reader: FileReader,
): Promise<StableDiffusionConfigs> {
  const { unetConfig, autoencoderConfig, text, text2 } = await readParts(reader);
  return {
    unet: unetConfig,
    vae: autoencoderConfig,
    textEncoders: [text.config, ...(text2 ? [text2.config] : [])],
  };
}

/** All small files before the large ones: what is wrong in them shows at once. */
async function readParts(reader: FileReader) {
  const index = readModelIndex(
    await readJson(reader, 'model_index.json'),
    describe(reader, 'model_index.json'),
  );
  const unetConfig = await readConfig(reader, 'unet/config.json', parseUNetConfig);
  const autoencoderConfig = await readConfig(reader, 'vae/config.json', parseAutoencoderConfig);
  const text = await readTextParts(reader, '', index);
  const text2 = index.isXl ? await readTextParts(reader, '_2', index) : undefined;
  const scheduler = await readConfig(reader, 'scheduler/scheduler_config.json', asObject);
  checkParts(reader.name, unetConfig, autoencoderConfig, [text, ...(text2 ? [text2] : [])]);
  return { index, unetConfig, autoencoderConfig, text, text2, scheduler };
}

interface TextParts {
  readonly folder: string;
  readonly config: TextEncoderConfig;
  readonly files: ClipTokenizerFiles;
  readonly tokenizer: ClipTokenizer;
}

/** @param suffix of both folders */
async function readTextParts(
  reader: FileReader,
  suffix: '' | '_2',
  { fastTokenizers }: ModelIndex,
): Promise<TextParts> {
  const folder = `text_encoder${suffix}`;
  const config = await readConfig(reader, `${folder}/config.json`, parseTextEncoderConfig);
  const tokenizerFolder = `tokenizer${suffix}`;
  const isFast = fastTokenizers.includes(tokenizerFolder);
  const files = await readTokenizerFiles(reader, tokenizerFolder, isFast);
  const tokenizer = inFile(describe(reader, tokenizerFolder), () => createClipTokenizer(files));
  return { folder, config, files, tokenizer };
}

/** @throws Error when widths or lengths of the parts do not fit each other */
function checkParts(
  name: string,
  unet: UNetConfig,
  autoencoder: AutoencoderConfig,
  texts: readonly TextParts[],
): void {
  const fits = (holds: boolean, reason: string): void => {
    if (!holds) throw new Error(`The parts of ${name} do not belong together: ${reason}.`);
  };
  const width = texts.reduce((total, { config }) => total + config.hiddenSize, 0);
  fits(
    unet.crossAttentionDim === width,
    `the UNet attends to ${unet.crossAttentionDim} channels of text, the text ${texts.length === 1 ? 'encoder gives' : 'encoders give'} ${width}`,
  );
  fits(
    unet.inChannels === autoencoder.latentChannels &&
      unet.outChannels === autoencoder.latentChannels,
    `the UNet takes ${unet.inChannels} and gives ${unet.outChannels} channels, latents have ${autoencoder.latentChannels}`,
  );
  for (const { config, tokenizer } of texts) {
    fits(
      tokenizer.maxLength <= config.maxPositions,
      `the tokenizer gives ${tokenizer.maxLength} tokens, the text encoder takes ${config.maxPositions}`,
    );
  }
  const lengths = new Set(texts.map(({ tokenizer }) => tokenizer.maxLength));
  fits(lengths.size === 1, `the tokenizers give ${[...lengths].join(' and ')} tokens`);
  const projected = texts.at(-1)?.config.projectionSize;
  fits(
    (unet.addedCondition === undefined) === (texts.length === 1),
    `the UNet takes ${unet.addedCondition === undefined ? 'no' : 'an'} added condition, and there ${texts.length === 1 ? 'is 1 text encoder' : `are ${texts.length} text encoders`}`,
  );
  if (unet.addedCondition === undefined) return;
  const { channels, sizeChannels } = unet.addedCondition;
  fits(
    projected !== undefined && channels === projected + SIZES * sizeChannels,
    `the UNet's added condition has ${channels} channels, a text embedding of ${projected ?? 0} and ${SIZES} sizes of ${sizeChannels} do not`,
  );
}

/** Original height and width, top and left of the crop, target height and width. */
const SIZES = 6;

/** Names of weights files, without their ending. */
const DIFFUSERS_STEM = 'diffusion_pytorch_model';
const TRANSFORMERS_STEM = 'model';

async function readConfig<Config>(
  reader: FileReader,
  path: string,
  parse: (json: unknown) => Config,
): Promise<Config> {
  const json = await readJson(reader, path);
  return inFile(describe(reader, path), () => parse(json));
}

/**
 * transformers before 5 writes vocabulary and merges; 5 writes `tokenizer.json` alone, and so do people who keep what fast
 * tokenizers need.
 */
async function readTokenizerFiles(
  reader: FileReader,
  folder: string,
  isFast: boolean,
): Promise<ClipTokenizerFiles> {
  const exists = (name: string): Promise<boolean> => reader.exists(`${folder}/${name}`);
  const whole = `${folder}/tokenizer.json`;
  const hasParts = (await exists('vocab.json')) && (await exists('merges.txt'));
  const config = await readOptionalJson(reader, `${folder}/tokenizer_config.json`);
  const specialTokens = await readOptionalJson(reader, `${folder}/special_tokens_map.json`);
  if ((isFast || !hasParts) && (await reader.exists(whole))) {
    const files = await readConfig(reader, whole, (json) => filesFromTokenizerJson(json, config));
    return { ...files, specialTokens };
  }
  return {
    vocab: (await readJson(reader, `${folder}/vocab.json`)) as ClipTokenizerFiles['vocab'],
    merges: await readText(reader, `${folder}/merges.txt`),
    specialTokens,
    config,
    addedTokens: await readOptionalJson(reader, `${folder}/added_tokens.json`),
    cleaning: isFast ? 'fast' : 'slow',
  };
}

/** Says in which file an error lies. */
function inFile<Result>(file: string, parse: () => Result): Result {
  try {
    return parse();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`${file}: ${reason}`, { cause: error });
  }
}

function asObject(json: unknown): Readonly<Record<string, unknown>> {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw new TypeError('expected a JSON object');
  }
  return json as Record<string, unknown>;
}
