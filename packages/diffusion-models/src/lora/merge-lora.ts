import * as tf from '@tensorflow/tfjs-core';
import { effectiveWeight } from '../layers/linear';
import type { LoraAdapter, Weights } from '../types';
import { adaptedPaths, linearShape } from './adapter-paths';

/**
 * The weights with the adapter's part added, W + (alpha / rank) · up · down: a model that needs no adapter.
 *
 * @returns new tensors for the adapted weights, which the caller disposes; all others are those of `weights`
 * @throws Error when the adapter's paths or shapes are not those of this model
 */
export function mergeLora(weights: Weights, lora: LoraAdapter): Record<string, tf.Tensor> {
  const merged: Record<string, tf.Tensor> = { ...weights };
  for (const path of adaptedPaths(lora)) {
    linearShape(weights, path, 'The adapter changes');
    merged[`${path}.weight`] = tf.tidy(() => effectiveWeight({ weights, lora }, path));
  }
  return merged;
}
