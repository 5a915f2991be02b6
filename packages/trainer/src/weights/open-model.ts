/**
 * A backend, a model on it, and perhaps an adapter: what every command starts with.
 *
 * Only `learning`, `model-card`, `run`, `api` and `command-line` may import this folder.
 */
import {
  createNoiseSchedule,
  parseSchedulerConfig,
  type NoiseSchedule,
} from '@loop-diffusion/diffusion-mdp';
import {
  loadStableDiffusion,
  pipelineOf,
  type LoraAdapter,
  type StableDiffusion,
} from '@loop-diffusion/diffusion-models';
import { storeAsBfloat16, widenOnDevice } from '@loop-diffusion/native-tensorflow';
import * as tf from '@tensorflow/tfjs-core';

import { UserError } from '../user-error';
import { parseLoraArgument } from './lora-argument';
import { readLoraFiles, withMergedAdapters } from './merged-adapters';
import { openAdapter } from './open-adapter';
import { readAdapterFile, type AdapterFile } from './read-adapter-file';
import { resolveModel } from './resolve-model';
import { withUNetOf } from './with-unet-of';

export interface OpenModel {
  readonly model: StableDiffusion;
  readonly schedule: NoiseSchedule;
  readonly adapter: LoraAdapter | undefined;
  /** Frees the model and the adapter. */
  readonly dispose: () => void;
}

/**
 * To be called when the backend has started: weights are read into its memory.
 *
 * @param lora a LoRA file, its bytes, or a folder that holds one; or a list of files, each perhaps with `:WEIGHT`, which are
 *   merged into the model's weights instead
 * @throws an error whose message says what is wrong with the model or the adapter
 */
export async function openModel(options: {
  readonly model: string;
  /** The folder of a UNet in the place of the model's own. */
  readonly unet?: string | undefined;
  readonly lora?: string | readonly string[] | Uint8Array | undefined;
  /** Read the UNet's part alone of adapters that change the text encoder too. */
  readonly unetOnly?: boolean | undefined;
  /** How the weights of layers are kept; only as float32 can they be trained. */
  readonly frozenWeights?: 'float32' | 'bfloat16' | undefined;
  /** Called with the fraction of the weights that is loaded, in [0, 1]. */
  readonly onLoad?: ((fraction: number) => void) | undefined;
}): Promise<OpenModel> {
  const reader = withUNetOf(await resolveModel(options.model), options.unet);
  const { lora } = options;
  const isList = typeof lora === 'object' && !(lora instanceof Uint8Array);
  const loraFiles = isList ? await readLoraFiles(lora.map(parseLoraArgument)) : [];
  const adapterFile = lora === undefined || isList ? undefined : await adapterFileOf(lora);
  let model = await loadStableDiffusion(reader, {
    onProgress: (bytes, totalBytes) => options.onLoad?.(bytes / totalBytes),
    widen: widenOnDevice,
    store: options.frozenWeights === 'bfloat16' ? keepAsBfloat16 : undefined,
  });
  try {
    if (loraFiles.length > 0) model = withMergedAdapters(model, loraFiles, options);
    const schedule = createNoiseSchedule(parseSchedulerConfig(model.scheduler, pipelineOf(model)));
    const adapter =
      adapterFile &&
      openAdapter(
        typeof lora === 'string' ? lora : 'given as bytes',
        adapterFile,
        model.unet.weights,
        options,
      );
    const opened = model;
    return {
      ...{ model, schedule, adapter },
      dispose() {
        if (adapter !== undefined) tf.dispose(adapter.weights);
        opened.dispose();
      },
    };
  } catch (error) {
    model.dispose();
    throw error;
  }
}

function keepAsBfloat16(weight: tf.Tensor): tf.Tensor {
  const stored = storeAsBfloat16(weight);
  if (stored !== undefined) return stored;
  throw new UserError(
    `Weights can be kept as bfloat16 by TensorFlow's native library alone, and the backend is ${tf.getBackend()}; leave memory.frozenWeights at float32, or install it (loop-diffusion doctor says how)`,
  );
}

async function adapterFileOf(lora: string | Uint8Array): Promise<AdapterFile> {
  return typeof lora === 'string' ? readAdapterFile(lora) : { bytes: lora, settings: {} };
}
