import * as tf from '@tensorflow/tfjs-core';

/**
 * Nearest-neighbour enlargement: output pixel i is input pixel ⌊i · in / out⌋.
 *
 * @param x `[batch, height, width, channels]`
 * @returns `[batch, size[0], size[1], channels]`
 */
export function resizeNearest(x: tf.Tensor4D, size: readonly [number, number]): tf.Tensor4D {
  // In plain JavaScript TensorFlow.js 4.22 computes the gradient of the operation wrongly, without an error.
  if (tf.getBackend() === 'cpu') return resizeByGathering(x, size);
  return tf.image.resizeNearestNeighbor(x, [size[0], size[1]]);
}

/** The same from operations whose gradients are right everywhere. */
function resizeByGathering(x: tf.Tensor4D, size: readonly [number, number]): tf.Tensor4D {
  const along = (image: tf.Tensor4D, axis: 1 | 2): tf.Tensor4D => {
    const [from, to] = [image.shape[axis], size[axis - 1] as number];
    const nearest = Array.from({ length: to }, (_, index) => Math.floor((index * from) / to));
    return tf.gather(image, tf.tensor1d(nearest, 'int32'), axis);
  };
  return tf.tidy(() => along(along(x, 1), 2));
}
