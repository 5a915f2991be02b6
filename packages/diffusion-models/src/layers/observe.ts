import type * as tf from '@tensorflow/tfjs-core';
import type { ModelParameters } from '../types';

/**
 * Tells who observes, if anybody does, what a layer gives.
 *
 * @param output called only then; the layer's own, before anything else is added to it
 */
export function observe(
  { observe: tell }: ModelParameters,
  path: string,
  output: () => tf.Tensor,
): void {
  tell?.(path, output());
}
