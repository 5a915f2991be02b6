/** Weights that are kept as bfloat16: of their own shape, and float32 to TensorFlow.js, until something reads them. */
import type * as tf from '@tensorflow/tfjs-core';
import { hasKernel, runKernel } from './kernel';

/**
 * The weight itself, or what it is as float32 where its numbers are kept as bfloat16 (`storeAsBfloat16` of
 * `@loop-diffusion/native-tensorflow`). Inside a layer, so that the wide one lasts no longer than the product that reads it;
 * no gradient leads through it.
 */
export function asFloat32<T extends tf.Tensor>(weight: T): T {
  if (!hasKernel('LoopWiden')) return weight;
  const [wide] = runKernel('LoopWiden', { x: weight }) as [T];
  if (wide.dataId !== weight.dataId) return wide;
  wide.dispose();
  return weight;
}
