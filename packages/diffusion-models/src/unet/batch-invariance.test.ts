/** Rows of a batch do not know of each other: each has the bits that it has alone, so that a ratio is 1 however images are batched. */
import { readFileSync } from 'node:fs';
import { readSafetensors } from '@loop-diffusion/safetensors';
import * as tf from '@tensorflow/tfjs-core';
import { hasKernel } from '../layers/operations/kernel';
import { createLoraAdapter } from '../lora/create-lora-adapter';
import { seededRandom } from '../testing/tensors';
import { weightsFromSafetensors } from '../weights';
import { parseUNetConfig } from './config';
import { unet } from './unet';

const file = (name: string): Uint8Array =>
  readFileSync(`${__dirname}/../../fixtures/unet-sd1/${name}`);
// Two heads: 1 / √8 is no power of two, and rounds.
const config = parseUNetConfig({
  ...(JSON.parse(Buffer.from(file('config.json')).toString()) as Record<string, unknown>),
  attention_head_dim: 2,
});
const weights = weightsFromSafetensors(
  readSafetensors(file('diffusion_pytorch_model.safetensors')),
);
const lora = createLoraAdapter(
  weights,
  { rank: 2, alpha: 2, targets: ['to_q', 'to_k', 'to_v', 'to_out.0'] },
  seededRandom(1),
);

const ROWS = 64;
const numbers = (count: number, seed: number): Float32Array =>
  Float32Array.from(seededRandom(seed).normal(count));
const samples = tf.tensor4d(numbers(ROWS * 8 * 8 * config.inChannels, 2), [
  ...([ROWS, 8, 8] as const),
  config.inChannels,
]);
const texts = tf.tensor3d(numbers(ROWS * 5 * config.crossAttentionDim, 3), [
  ...([ROWS, 5] as const),
  config.crossAttentionDim,
]);

/** Of the first row, in a batch of so many. */
function firstRow(batch: number): Float32Array {
  return tf.tidy(() => {
    const output = unet(config, weights, {
      sample: tf.slice(samples, 0, batch),
      timesteps: 3,
      encoderHiddenStates: tf.slice(texts, 0, batch),
      lora,
    });
    return tf.slice(output, 0, 1).dataSync<'float32'>();
  });
}

test('a row has the same bits in every batch', () => {
  // TensorFlow's own operations, which other backends have, make no such promise.
  if (!hasKernel('LoopConvolution')) return;
  const alone = firstRow(1);
  for (const batch of [2, 3, 4, 8, 16, 32, ROWS]) expect(firstRow(batch)).toEqual(alone);
});
