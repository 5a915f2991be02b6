/** Clean latents x_0 of images, on the host. */
import * as tf from '@tensorflow/tfjs-core';

import type { LatentShape } from './latent-shape';

export interface Originals {
  /** @returns `[images, height, width, channels]`, the caller's. @throws RangeError when there is no such image */
  gather(images: readonly number[]): tf.Tensor4D;
}

/** Those of a rollout of which nothing else is kept. */
interface CollectedOriginals extends Originals {
  /** @param latents `[batch, height, width, channels]` of the next images; they stay the caller's */
  add(latents: tf.Tensor4D): Promise<void>;
  /** @param values of one image */
  addValues(values: Float32Array): void;
}

export function collectOriginals(shape: LatentShape): CollectedOriginals {
  const size = shape[0] * shape[1] * shape[2];
  const kept: Float32Array[] = [];
  return {
    async add(latents) {
      const values = await latents.data<'float32'>();
      for (let first = 0; first < values.length; first += size) {
        kept.push(values.slice(first, first + size));
      }
    },
    addValues(values) {
      kept.push(values);
    },
    gather(images) {
      const values = new Float32Array(images.length * size);
      for (const [row, image] of images.entries()) {
        const latents = kept[image];
        if (latents === undefined) throw new RangeError(`There is no image ${image}.`);
        values.set(latents, row * size);
      }
      return tf.tensor4d(values, [images.length, ...shape]);
    },
  };
}
