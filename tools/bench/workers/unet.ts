/** A UNet's forward pass, or the gradient of an adapter through it. */
import {
  initializeUNet,
  loadStableDiffusion,
  parseUNetConfig,
  unet,
  unetTimesteps,
  type LoraAdapter,
  type UNetConfig,
  type Weights,
} from '@loop-diffusion/diffusion-models';
import type { Precision } from '@loop-diffusion/native-tensorflow';
import { nodeFolderReader } from '@loop-diffusion/trainer';
import * as tf from '@tensorflow/tfjs-core';

import { randomAdapter } from './adapter';
import { startBackend, type WorkerBackend } from './backend';
import { asVector, compiledRows, compiledSum, finish } from './in-parts';
import { secondsOf, serve } from './protocol';
import { repeatingRandom } from './random-source';

export interface UNetSettings {
  readonly device: WorkerBackend;
  readonly precision: Precision;
  readonly work: 'forward' | 'gradient';
  readonly batch: number;
  readonly latentSize: number;
  readonly tokens: number;
  readonly loraRank: number;
  /** A diffusers folder, or a UNet's `config.json` for random weights. */
  readonly model: { readonly folder: string } | { readonly config: Record<string, unknown> };
}

interface Constants {
  readonly config: UNetConfig;
  readonly weights: Weights;
  readonly adapter: LoraAdapter;
}

await serve(async (told) => {
  const settings = JSON.parse(told) as UNetSettings;
  const { batch, latentSize, tokens, work } = settings;
  const versions = await startBackend(settings.device, batch, settings.precision);
  const { config, weights } = await openUNet(settings.model);
  const constants = { config, weights, adapter: randomAdapter(weights, settings.loraRank) };
  const inputs = {
    sample: tf.randomNormal([batch, latentSize, latentSize, config.inChannels], 0, 1, 'float32', 1),
    timesteps: tf.tile(unetTimesteps(config, 500), [batch, 1]),
    text: tf.randomNormal([batch, tokens, config.crossAttentionDim], 0, 1, 'float32', 2),
  };
  const call =
    work === 'forward'
      ? compiledRows(batch, { config, weights }, predict)
      : compiledSum(batch, constants, adapterGradient);
  finish(call(inputs));
  return {
    versions,
    repeat: async () => ({ total: secondsOf(() => finish(call(inputs))) }),
  };
});

async function openUNet(
  model: UNetSettings['model'],
): Promise<{ config: UNetConfig; weights: Weights }> {
  if ('folder' in model) {
    return (await loadStableDiffusion(nodeFolderReader(model.folder))).unet;
  }
  const config = parseUNetConfig(model.config);
  return { config, weights: initializeUNet(config, repeatingRandom(0)) };
}

function predict(
  { config, weights, adapter }: Omit<Constants, 'adapter'> & { adapter?: LoraAdapter },
  { sample, timesteps, text }: Readonly<Record<string, tf.Tensor>>,
): tf.Tensor {
  return unet(config, weights, {
    sample: sample as tf.Tensor4D,
    timesteps: timesteps as tf.Tensor2D,
    encoderHiddenStates: text as tf.Tensor3D,
    lora: adapter,
  });
}

/** Of the mean square of the output. */
function adapterGradient(
  { adapter, ...model }: Constants,
  inputs: Readonly<Record<string, tf.Tensor>>,
): tf.Tensor {
  const names = Object.keys(adapter.weights);
  const loss = (...factors: tf.Tensor[]): tf.Tensor => {
    const weights = Object.fromEntries(names.map((name, index) => [name, factors[index]!]));
    return tf.mean(tf.square(predict({ ...model, adapter: { ...adapter, weights } }, inputs)));
  };
  return asVector(tf.grads(loss)(names.map((name) => adapter.weights[name]!)));
}
