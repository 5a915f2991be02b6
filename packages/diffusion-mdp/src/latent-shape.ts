/** The shape of a latent without its batch, and of a batch of them. */
import type * as tf from '@tensorflow/tfjs-core';

/** Of one latent: `[height, width, channels]` of an image, `[2]` of a point in the plane. */
export type LatentShape = readonly number[];

/** A tensor with a row per latent, `[rows, …]`. */
export type Latents<Shape extends LatentShape> = Shape['length'] extends keyof LatentTensors
  ? LatentTensors[Shape['length']]
  : tf.Tensor;

/** By the number of axes of a latent. */
interface LatentTensors {
  1: tf.Tensor2D;
  2: tf.Tensor3D;
  3: tf.Tensor4D;
  4: tf.Tensor5D;
}

/** An image's, unless something else is said. */
export type ImageShape = readonly [height: number, width: number, channels: number];
