import {
  createLoraAdapter,
  type LoraAdapter,
  type Weights,
} from '@loop-diffusion/diffusion-models';
import * as tf from '@tensorflow/tfjs-core';

import { repeatingRandom } from './random-source';
import { trainableVariables } from './trainer-internals';

/** Small beside a weight of the miniature, large enough that a mistake in merging shows. */
const UP_DEVIATION = 0.02;

/** Weights as after some training: a fresh adapter's `up` is zero, and with it the adapter would change nothing. */
export function randomizeUpWeights(adapter: LoraAdapter): void {
  const keys = Object.keys(adapter.weights);
  for (const [index, weight] of trainableVariables(adapter.weights).entries()) {
    if (!keys[index]!.endsWith('.lora.up.weight')) continue;
    const values = tf.randomNormal(weight.shape, 0, UP_DEVIATION, 'float32', index + 1);
    weight.assign(values);
    values.dispose();
  }
}

/** An adapter of all attention projections. */
export function randomAdapter(weights: Weights, rank: number): LoraAdapter {
  const targets = ['to_q', 'to_k', 'to_v', 'to_out.0'];
  const adapter = createLoraAdapter(weights, { rank, alpha: rank, targets }, repeatingRandom(1));
  randomizeUpWeights(adapter);
  return adapter;
}
