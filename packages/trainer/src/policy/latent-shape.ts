import type { StableDiffusion } from '@loop-diffusion/diffusion-models';

import { UserError } from '../user-error';

/** `[height, width, channels]` */
export type LatentShape = readonly [number, number, number];

/** Pixels; null for the size that the model was made for. */
export interface ImageSize {
  readonly height?: number | null | undefined;
  readonly width?: number | null | undefined;
}

/**
 * Of the latents of images of this size.
 *
 * @throws UserError for a size that is no multiple of what a latent's pixel covers
 */
export function latentShape(model: StableDiffusion, size: ImageSize = {}): LatentShape {
  const { sampleSize, inChannels } = model.unet.config;
  const factor = pixelsPerLatent(model);
  const side = (name: 'height' | 'width'): number => {
    const pixels = size[name] ?? sampleSize * factor;
    if (pixels % factor === 0) return pixels / factor;
    throw new UserError(
      `The ${name} of ${pixels} pixels is no multiple of ${factor}, which this model needs; the nearest are ${Math.max(1, Math.floor(pixels / factor)) * factor} and ${Math.ceil(pixels / factor) * factor}`,
    );
  };
  return [side('height'), side('width'), inChannels];
}

/** Pixels of the image of a latent. */
export function imageSize(
  model: StableDiffusion,
  [height, width]: LatentShape,
): { height: number; width: number } {
  const factor = pixelsPerLatent(model);
  return { height: height * factor, width: width * factor };
}

/** Along each side: every level of the autoencoder but the last halves the image. */
function pixelsPerLatent({ vae }: StableDiffusion): number {
  return 2 ** (vae.config.blockOutChannels.length - 1);
}
