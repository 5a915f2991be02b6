import type * as tf from '@tensorflow/tfjs-core';
import type { Weights } from '../types';

/** The weight under this key. @throws Error when the model has none */
export function parameter<T extends tf.Tensor = tf.Tensor>(weights: Weights, key: string): T {
  const tensor = weights[key];
  if (tensor === undefined) throw new Error(`the weight "${key}" is missing from the model`);
  return tensor as T;
}
