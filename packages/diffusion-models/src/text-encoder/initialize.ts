import * as tf from '@tensorflow/tfjs-core';
import type { RandomSource } from '../types';
import { weightTensor } from '../weight-tensor';
import type { TextEncoderConfig } from './config';
import { PROJECTION, textEncoderShapes } from './shapes';

/** Spread of fresh embeddings: `initializer_range` of transformers. */
const EMBEDDING_STD = 0.02;

/**
 * Fresh weights as transformers' CLIP starts: all normal with mean 0, the deeper the network the smaller what a layer adds
 * (Radford et al. 2019, GPT-2, section 2.3); biases 0, norms 1. Drawn in the order of {@link textEncoderShapes}.
 */
export function initializeTextEncoder(
  config: TextEncoderConfig,
  random: RandomSource,
): Record<string, tf.Tensor> {
  const weights: Record<string, tf.Tensor> = {};
  for (const [key, shape] of Object.entries(textEncoderShapes(config))) {
    if (shape.length === 1) {
      weights[key] = key.endsWith('.bias') ? tf.zeros([...shape]) : tf.ones([...shape]);
    } else {
      const std = standardDeviation(key, config);
      const values = random.normal(shape.reduce((product, dimension) => product * dimension, 1));
      // In place: an embedding may have a hundred megabytes.
      for (let index = 0; index < values.length; index++) values[index]! *= std;
      weights[key] = weightTensor(values, shape);
    }
  }
  return weights;
}

function standardDeviation(key: string, { hiddenSize, layers }: TextEncoderConfig): number {
  if (key.includes('.embeddings.')) return EMBEDDING_STD;
  if (key.includes('.out_proj.') || key.startsWith(PROJECTION)) return hiddenSize ** -0.5;
  if (key.includes('.fc1.')) return (2 * hiddenSize) ** -0.5;
  // Queries, keys, values and what the feed-forward network adds.
  return hiddenSize ** -0.5 * (2 * layers) ** -0.5;
}
