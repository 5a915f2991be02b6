/** From latents to pictures. */
import {
  decodeInTiles,
  decodeLatents,
  type AutoencoderConfig,
  type Weights,
} from '@loop-diffusion/diffusion-models';
import { sideBySide } from '@loop-diffusion/native-tensorflow';
import type { Image } from '@loop-diffusion/rewards';
import * as tf from '@tensorflow/tfjs-core';

import type { Policy } from './policy';
import { cutRows, joinRows, partsOf } from './rows';

/**
 * Decodes latents into images, a few at a time, since a decoder's feature maps are the largest of the whole model.
 *
 * @param latents `[images, height, width, channels]` as the policy leaves them, scaled
 * @param batch images per call of the decoder
 * @returns RGB in [0, 1]: clamp(x / 2 + ½), as diffusers' image processor does
 */
export function decodeImages(
  { model, compute, vaeTiles = false }: Pick<Policy, 'model' | 'compute' | 'vaeTiles'>,
  latents: tf.Tensor4D,
  batch: number,
): Image[] {
  const { config, weights } = model.vae;
  const images: Image[] = [];
  for (let start = 0; start < latents.shape[0]; start += batch) {
    const count = Math.min(batch, latents.shape[0] - start);
    const rows = tf.slice(latents, start, count);
    const pixels = compute.run(decode, config, weights, rows, vaeTiles, partsOf(rows));
    rows.dispose();
    const [, height, width, channels] = pixels.shape as [number, number, number, number];
    const values = pixels.dataSync<'float32'>();
    const size = height * width * channels;
    for (let row = 0; row < count; row += 1) {
      images.push({ width, height, data: values.slice(row * size, (row + 1) * size) });
    }
    pixels.dispose();
  }
  return images;
}

/** In latents: the image that the autoencoder was trained on, but at most 512 pixels, which a few gigabytes hold. */
export function tileSide({ sampleSize, blockOutChannels }: AutoencoderConfig): number {
  return Math.floor(Math.min(sampleSize, 512) / 2 ** (blockOutChannels.length - 1));
}

/** RGB in [0, 1]. */
function decode(
  config: AutoencoderConfig,
  weights: Weights,
  latents: tf.Tensor4D,
  vaeTiles: boolean,
  parts: number,
): tf.Tensor {
  return tf.tidy(() => {
    const images = sideBySide(cutRows({ latents }, parts), (part) => {
      const scaled = tf.div<tf.Tensor4D>(part.latents, config.scalingFactor);
      const decoded = vaeTiles
        ? decodeInTiles(config, weights, scaled, tileSide(config))
        : decodeLatents(config, weights, scaled);
      return tf.clipByValue(tf.add(tf.mul(decoded, 0.5), 0.5), 0, 1);
    });
    return joinRows(images);
  });
}
