import * as tf from '@tensorflow/tfjs-core';
import type { Weights } from '../types';
import { decodeLatents } from './autoencoder';
import type { AutoencoderConfig } from './config';

/** Of a tile's side, what it shares with its neighbour. */
const OVERLAP = 0.25;

/**
 * {@link decodeLatents} in square tiles that overlap and fade into each other, as diffusers' `enable_vae_tiling` does: memory is
 * that of a tile, however large the image. Norms see a tile instead of the image, so that colours may differ a little from tile
 * to tile; latents that fit into one tile are decoded as ever.
 *
 * @param latents `[batch, height, width, latentChannels]`
 * @param tile side of a tile in latents, at least 2; diffusers takes what the autoencoder was trained on
 * @returns the shape and range of {@link decodeLatents}
 * @throws RangeError when the latents do not fit into one tile, and tiles are too small to overlap
 */
export function decodeInTiles(
  config: AutoencoderConfig,
  weights: Weights,
  latents: tf.Tensor4D,
  tile = Math.floor(config.sampleSize / 2 ** (config.blockOutChannels.length - 1)),
): tf.Tensor4D {
  const [, height, width] = latents.shape;
  if (height <= tile && width <= tile) return decodeLatents(config, weights, latents);
  if (!Number.isInteger(tile) || tile < 2) {
    throw new RangeError(
      `A tile must be a whole number of at least 2 latents wide, to overlap with its neighbours; got ${tile}.`,
    );
  }
  const factor = 2 ** (config.blockOutChannels.length - 1);
  const stride = Math.floor(tile * (1 - OVERLAP));
  const kept = stride * factor;
  const fade = tile * factor - kept;
  const starts = (size: number): number[] =>
    Array.from({ length: Math.ceil(size / stride) }, (_, index) => index * stride);

  return tf.tidy(() => {
    let above: tf.Tensor4D[] = [];
    const rows = starts(height).map((top) => {
      const tiles: tf.Tensor4D[] = [];
      for (const [column, left] of starts(width).entries()) {
        const size = [Math.min(tile, height - top), Math.min(tile, width - left)] as const;
        const part = tf.slice(latents, [0, top, left, 0], [-1, ...size, -1]);
        let decoded = tf.tidy(() => decodeLatents(config, weights, part));
        const upper = above[column];
        if (upper !== undefined) decoded = fadeIn(upper, decoded, fade, 1);
        const previous = tiles.at(-1);
        if (previous !== undefined) decoded = fadeIn(previous, decoded, fade, 2);
        tiles.push(decoded);
      }
      above = tiles;
      return tf.concat(
        tiles.map((each) => cut(cut(each, 0, kept, 1), 0, kept, 2)),
        2,
      );
    });
    return tf.concat(rows, 1);
  });
}

/** `next` with its first pixels along an axis mixed with the last ones of the tile before, from all of that to none. */
function fadeIn(before: tf.Tensor4D, next: tf.Tensor4D, fade: number, axis: 1 | 2): tf.Tensor4D {
  const length = before.shape[axis];
  const extent = Math.min(length, next.shape[axis], fade);
  return tf.tidy(() => {
    const shape = [1, 1, 1, 1];
    shape[axis] = extent;
    const share = tf.reshape(tf.div(tf.range(0, extent), extent), shape);
    const mixed = tf.add<tf.Tensor4D>(
      tf.mul(cut(before, length - extent, extent, axis), tf.sub(1, share)),
      tf.mul(cut(next, 0, extent, axis), share),
    );
    return tf.concat([mixed, cut(next, extent, next.shape[axis], axis)], axis);
  });
}

/** From `start` so many pixels, or as many as there are. */
function cut(image: tf.Tensor4D, start: number, length: number, axis: 1 | 2): tf.Tensor4D {
  const begin: [number, number, number, number] = [0, 0, 0, 0];
  const size: [number, number, number, number] = [-1, -1, -1, -1];
  begin[axis] = start;
  size[axis] = Math.min(length, image.shape[axis] - start);
  return tf.slice(image, begin, size);
}
