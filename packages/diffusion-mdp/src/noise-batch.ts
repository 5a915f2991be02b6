/** Counter-based noise as a tensor. */
import * as tf from '@tensorflow/tfjs-core';
import { counterNormal } from './counter-noise';
import type { NoiseKey } from './counter-noise';
import type { Latents, LatentShape } from './latent-shape';

/**
 * Standard normal noise for a batch, each row by a key of its own, so that a row does not depend on those beside it.
 *
 * @param keys one per row
 * @param latentShape of one row: `[height, width, channels]` of images
 * @returns `[keys.length, …latentShape]`; the caller disposes it
 * @throws RangeError when a part of a key is out of range
 */
export function noiseBatch<Shape extends LatentShape>(
  keys: readonly NoiseKey[],
  latentShape: readonly [...Shape],
): Latents<Shape> {
  const size = latentShape.reduce((product, length) => product * length, 1);
  const values = new Float32Array(keys.length * size);
  keys.forEach((key, row) => {
    values.set(counterNormal(key, size), row * size);
  });
  return tf.tensor(values, [keys.length, ...latentShape]) as Latents<Shape>;
}
