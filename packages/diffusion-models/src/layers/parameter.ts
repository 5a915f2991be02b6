import type * as tf from '@tensorflow/tfjs-core';
import type { Weights } from '../types';

/** The weight under this key. @throws Error when the model has none */
export function parameter(weights: Weights, key: string): tf.Tensor {
  const tensor = weights[key];
  if (tensor === undefined) throw new Error(`the weight "${key}" is missing from the model`);
  return tensor;
}
