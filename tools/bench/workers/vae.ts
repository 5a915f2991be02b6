/** From latents to pictures, by the trainer's own code. */
import {
  initializeAutoencoder,
  parseAutoencoderConfig,
  type StableDiffusion,
} from '@loop-diffusion/diffusion-models';
import type { Precision } from '@loop-diffusion/native-tensorflow';
import * as tf from '@tensorflow/tfjs-core';

import { startBackend, type WorkerBackend } from './backend';
import { secondsOf, serve } from './protocol';
import { repeatingRandom } from './random-source';
import { createCompute, decodeImages } from './trainer-internals';

export interface VaeSettings {
  readonly device: WorkerBackend;
  readonly precision: Precision;
  readonly batch: number;
  readonly latentSize: number;
  /** A `vae/config.json`; the weights are random. */
  readonly config: Record<string, unknown>;
}

await serve(async (told) => {
  const settings = JSON.parse(told) as VaeSettings;
  const { batch, latentSize } = settings;
  const versions = await startBackend(settings.device, batch, settings.precision);
  const config = parseAutoencoderConfig(settings.config);
  const vae = { config, weights: initializeAutoencoder(config, repeatingRandom(0)) };
  // Nothing else of a model is needed here.
  const policy = { model: { vae } as StableDiffusion, compute: createCompute() };
  const shape = [batch, latentSize, latentSize, config.latentChannels] as const;
  const latents: tf.Tensor4D = tf.randomNormal([...shape], 0, 1, 'float32', 1);
  const decode = (): void => {
    decodeImages(policy, latents, batch);
  };
  decode();
  return { versions, repeat: async () => ({ total: secondsOf(decode) }) };
});
