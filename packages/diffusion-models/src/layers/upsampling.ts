import * as tf from '@tensorflow/tfjs-core';

/**
 * Nearest-neighbour enlargement: output pixel i is input pixel ⌊i · in / out⌋.
 *
 * @param x `[batch, height, width, channels]`
 * @returns `[batch, size[0], size[1], channels]`
 */
export function resizeNearest(x: tf.Tensor4D, size: readonly [number, number]): tf.Tensor4D {
  return tf.image.resizeNearestNeighbor(x, [size[0], size[1]]);
}
