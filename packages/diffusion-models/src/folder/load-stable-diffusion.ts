import * as tf from '@tensorflow/tfjs-core';
import { autoencoderShapes } from '../autoencoder/autoencoder';
import { parseAutoencoderConfig } from '../autoencoder/config';
import { updateAutoencoderWeights } from '../autoencoder/legacy-weights';
import type { WeightShapes } from '../shapes';
import { checkWeights } from '../shapes';
import { parseTextEncoderConfig } from '../text-encoder/config';
import { textEncoderShapes } from '../text-encoder/shapes';
import type { ClipTokenizerFiles } from '../tokenizer/clip-tokenizer';
import { createClipTokenizer } from '../tokenizer/clip-tokenizer';
import type { FileReader } from '../types';
import { parseUNetConfig } from '../unet/config';
import { unetShapes } from '../unet/unet';
import { weightsFromSafetensors } from '../weights';
import { describe, readJson, readOptionalJson, readText, readWeightsFile } from './model-files';
import { checkModelIndex } from './model-index';
import type { ModelPart, StableDiffusion } from './stable-diffusion';

type TensorRecord = Record<string, tf.Tensor>;

/**
 * Loads a Stable Diffusion from a diffusers folder (`model_index.json`, `unet/`, `vae/`, `text_encoder/`, `tokenizer/`,
 * `scheduler/`). Weights come from safetensors files alone and are widened to float32. Only files with these fixed names are
 * asked for: nothing in the folder can point elsewhere.
 *
 * @throws Error that names the file and what to do: a missing or damaged file, a class or option that is not supported, or
 *   weights that do not fit their configuration
 */
export async function loadStableDiffusion(reader: FileReader): Promise<StableDiffusion> {
  const notes = checkModelIndex(
    await readJson(reader, 'model_index.json'),
    describe(reader, 'model_index.json'),
  );
  // All small files before the large ones: what is wrong in them shows at once.
  const [unetConfig, autoencoderConfig, textEncoderConfig] = [
    await readConfig(reader, 'unet/config.json', parseUNetConfig),
    await readConfig(reader, 'vae/config.json', parseAutoencoderConfig),
    await readConfig(reader, 'text_encoder/config.json', parseTextEncoderConfig),
  ];
  const scheduler = await readConfig(reader, 'scheduler/scheduler_config.json', asObject);
  const tokenizerFiles = await readTokenizerFiles(reader);
  const tokenizer = inFile(describe(reader, 'tokenizer'), () =>
    createClipTokenizer(tokenizerFiles),
  );

  const fits = (holds: boolean, reason: string): void => {
    if (!holds) throw new Error(`The parts of ${reader.name} do not belong together: ${reason}.`);
  };
  fits(
    unetConfig.crossAttentionDim === textEncoderConfig.hiddenSize,
    `the UNet attends to ${unetConfig.crossAttentionDim} channels of text, the text encoder gives ${textEncoderConfig.hiddenSize}`,
  );
  fits(
    unetConfig.inChannels === autoencoderConfig.latentChannels &&
      unetConfig.outChannels === autoencoderConfig.latentChannels,
    `the UNet takes ${unetConfig.inChannels} and gives ${unetConfig.outChannels} channels, latents have ${autoencoderConfig.latentChannels}`,
  );
  fits(
    tokenizer.maxLength <= textEncoderConfig.maxPositions,
    `the tokenizer gives ${tokenizer.maxLength} tokens, the text encoder takes ${textEncoderConfig.maxPositions}`,
  );

  const loaded: TensorRecord[] = [];
  const load = async <Config>(
    config: Config,
    folder: string,
    stem: string,
    shapes: WeightShapes,
    update: (weights: TensorRecord) => TensorRecord = (weights) => weights,
  ): Promise<ModelPart<Config>> => {
    const { path, file } = await readWeightsFile(reader, folder, stem);
    const weights = update(weightsFromSafetensors(file));
    loaded.push(weights);
    checkWeights(describe(reader, path), weights, shapes);
    return { config, weights };
  };
  const dispose = (): void => {
    tf.dispose(loaded);
  };
  try {
    return {
      unet: await load(unetConfig, 'unet', DIFFUSERS_STEM, unetShapes(unetConfig)),
      vae: await load(
        autoencoderConfig,
        'vae',
        DIFFUSERS_STEM,
        autoencoderShapes(autoencoderConfig),
        updateAutoencoderWeights,
      ),
      textEncoder: await load(
        textEncoderConfig,
        'text_encoder',
        TRANSFORMERS_STEM,
        textEncoderShapes(textEncoderConfig),
      ),
      tokenizer,
      tokenizerFiles,
      scheduler,
      notes,
      dispose,
    };
  } catch (error) {
    dispose();
    throw error;
  }
}

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

async function readTokenizerFiles(reader: FileReader): Promise<ClipTokenizerFiles> {
  return {
    vocab: (await readJson(reader, 'tokenizer/vocab.json')) as ClipTokenizerFiles['vocab'],
    merges: await readText(reader, 'tokenizer/merges.txt'),
    specialTokens: await readOptionalJson(reader, 'tokenizer/special_tokens_map.json'),
    config: await readOptionalJson(reader, 'tokenizer/tokenizer_config.json'),
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
