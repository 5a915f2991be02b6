import type * as tf from '@tensorflow/tfjs-core';

/** The largest difference, as a part of the largest expected number; infinite where shapes differ or a number is none. */
export function relativeError(actual: tf.Tensor, expected: tf.Tensor): number {
  if (actual.shape.join() !== expected.shape.join()) return Infinity;
  const [a, b] = [actual.dataSync(), expected.dataSync()];
  let [difference, largest] = [0, 0];
  for (let i = 0; i < a.length; i++) {
    const one = Math.abs(a[i]! - b[i]!);
    if (Number.isNaN(one)) return Infinity;
    difference = Math.max(difference, one);
    largest = Math.max(largest, Math.abs(b[i]!));
  }
  return difference === 0 ? 0 : difference / largest;
}
