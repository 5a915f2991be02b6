import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodeImages } from '@loop-diffusion/diffusion-models';
import {
  float32Tensor,
  readSafetensors,
  toFloat32Array,
  writeSafetensors,
} from '@loop-diffusion/safetensors';
import * as tf from '@tensorflow/tfjs-core';
import { sceneTensor, type Autoencoder } from './autoencoder';
import { latentChannels, latentSide } from './configuration';
import type { Replicas } from './replicas';
import type { SceneSet } from './scenes';
import { writeWhole } from './state';

/** Encoded scenes: posterior means, not yet scaled. */
export interface LatentSet {
  /** `[scenes, 8, 8, 4]`, one after the other. */
  readonly means: Float32Array;
  /** 1 / standard deviation of all means: brings latents to unit variance, as the noise has. */
  readonly scalingFactor: number;
}

const scenesPerFile = 2048;

/**
 * Encodes all scenes once, the files shared out among the processes. The network trains on the means: samples of the
 * posterior differ too little in the picture and too much in the latent, and the noise-prediction loss gets stuck on them.
 */
export async function prepareLatents(
  folder: string,
  autoencoder: Autoencoder,
  scenes: SceneSet,
  replicas: Replicas,
  report: (line: string) => void,
): Promise<LatentSet> {
  const size = latentSide * latentSide * latentChannels;
  const path = (first: number): string => join(folder, `latents-${String(first)}.safetensors`);
  const starts = Array.from(
    { length: Math.ceil(scenes.count / scenesPerFile) },
    (_, i) => i * scenesPerFile,
  );
  for (const first of starts) {
    if ((first / scenesPerFile) % replicas.count !== replicas.rank || existsSync(path(first)))
      continue;
    const count = Math.min(scenesPerFile, scenes.count - first);
    writeWhole(
      path(first),
      writeSafetensors([
        [
          'means',
          float32Tensor(encode(autoencoder, scenes, first, count), [
            count,
            latentSide,
            latentSide,
            latentChannels,
          ]),
        ],
      ]),
    );
    report(`latents: scenes ${String(first)} to ${String(first + count)} encoded`);
  }
  await replicas.average(new Float32Array(0)); // until everybody is done
  const means = new Float32Array(scenes.count * size);
  for (const first of starts) {
    const stored = readSafetensors(readFileSync(path(first))).tensors.get('means');
    if (stored === undefined) throw new Error(`${path(first)} holds no means; delete it`);
    means.set(toFloat32Array(stored), first * size);
  }
  let sum = 0;
  let squares = 0;
  for (const value of means) {
    sum += value;
    squares += value * value;
  }
  const mean = sum / means.length;
  const scalingFactor = 1 / Math.sqrt(squares / means.length - mean * mean);
  report(`latents: mean ${mean.toFixed(3)}, scaling factor ${scalingFactor.toFixed(4)}`);
  return { means, scalingFactor };
}

function encode(
  autoencoder: Autoencoder,
  scenes: SceneSet,
  first: number,
  count: number,
): Float32Array {
  const size = latentSide * latentSide * latentChannels;
  const means = new Float32Array(count * size);
  const batch = 32;
  for (let offset = 0; offset < count; offset += batch) {
    const images = sceneTensor(scenes, first + offset, Math.min(batch, count - offset));
    const encoded = tf.tidy(() =>
      encodeImages(autoencoder.config, autoencoder.weights, images).mean.dataSync<'float32'>(),
    );
    tf.dispose(images);
    means.set(encoded, offset * size);
  }
  return means;
}
