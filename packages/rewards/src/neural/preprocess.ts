import { z } from 'zod';

import type { Image } from '../image';
import { toUint8 } from '../to-uint8';
import { resizeBicubic } from './bicubic';
import type { ModelFiles } from './model-files';
import type { Floats } from './onnx-model';

type Triple = readonly [number, number, number];

/** How a picture becomes the square or rectangle that a model sees. */
export type Fit =
  /** The shorter side becomes `edge`, and the centre is kept; whose halves of a pixel round as those of `centre`. */
  | {
      readonly kind: 'crop';
      readonly edge: number;
      readonly centre: 'transformers' | 'torchvision';
    }
  /** Both sides become what the model sees, whatever that does to the shape. */
  | { readonly kind: 'stretch' }
  /** The longer side fits, and black fills the rest. */
  | { readonly kind: 'pad' };

export interface Preprocessing {
  /** What the model sees. */
  readonly width: number;
  readonly height: number;
  readonly fit: Fit;
  /** Of red, green and blue in [0, 1]. */
  readonly mean: Triple;
  readonly standardDeviation: Triple;
}

const edge = z.int().min(1).max(2048);
const rectangle = z.object({ height: edge, width: edge });
const triple = z.tuple([z.number(), z.number(), z.number()]);

const preprocessorConfig = z.object({
  size: z.union([edge, z.object({ shortest_edge: edge }), rectangle]),
  crop_size: z.union([edge, rectangle]).nullish(),
  do_center_crop: z.boolean().nullish(),
  do_resize: z.literal(true).nullish(),
  do_rescale: z.literal(true).nullish(),
  do_normalize: z.literal(true).nullish(),
  // What transformers writes for bicubic.
  resample: z.literal(3).nullish(),
  rescale_factor: z.number().min(0.00392156).max(0.00392157).nullish(),
  image_mean: triple,
  image_std: z.tuple([z.number().positive(), z.number().positive(), z.number().positive()]),
});

/**
 * What a model's `preprocessor_config.json` says, as transformers reads it.
 *
 * @throws {Error} in one sentence for a file that asks for something else than bicubic resizing to a fixed size
 */
export async function readPreprocessing(files: ModelFiles): Promise<Preprocessing> {
  const config = await files.readJson('preprocessor_config.json', preprocessorConfig);
  const common = { mean: config.image_mean, standardDeviation: config.image_std };
  const { size, crop_size: crop } = config;
  if (typeof size === 'object' && 'width' in size)
    return { ...size, fit: { kind: 'stretch' }, ...common };
  const shorter = typeof size === 'number' ? size : size.shortest_edge;
  const seen = typeof crop === 'object' ? crop : undefined;
  const width = seen?.width ?? (typeof crop === 'number' ? crop : shorter);
  const height = seen?.height ?? (typeof crop === 'number' ? crop : shorter);
  if (config.do_center_crop === false || Math.max(width, height) > shorter) {
    throw new Error(
      `'preprocessor_config.json' asks for pictures of any shape; expected a centre crop within 'size', or a size of width and height`,
    );
  }
  const fit = { kind: 'crop', edge: shorter, centre: 'transformers' } as const;
  return { width, height, fit, ...common };
}

/** Python's `round`: halves to the even number. */
function roundHalfToEven(value: number): number {
  const below = Math.floor(value);
  if (value - below !== 0.5) return Math.round(value);
  return below % 2 === 0 ? below : below + 1;
}

/** @returns `[height, width, 3]` in bytes, before it is normalised: what Pillow's picture holds at that point */
export function fitImage(image: Image, { width, height, fit }: Preprocessing): Uint8Array {
  const pixels = toUint8(image);
  if (fit.kind === 'stretch') {
    return resizeBicubic(pixels, image, {
      width,
      height,
      left: 0,
      top: 0,
      regionWidth: width,
      regionHeight: height,
    });
  }
  if (fit.kind === 'crop') {
    const shorter = Math.min(image.width, image.height);
    const whole = {
      width: Math.floor((fit.edge * image.width) / shorter),
      height: Math.floor((fit.edge * image.height) / shorter),
    };
    const half = fit.centre === 'transformers' ? Math.floor : roundHalfToEven;
    return resizeBicubic(pixels, image, {
      ...whole,
      left: half((whole.width - width) / 2),
      top: half((whole.height - height) / 2),
      regionWidth: width,
      regionHeight: height,
    });
  }
  const scale = width / Math.max(image.width, image.height);
  const inner = {
    width: Math.max(1, roundHalfToEven(image.width * scale)),
    height: Math.max(1, roundHalfToEven(image.height * scale)),
  };
  const resized = resizeBicubic(pixels, image, {
    ...inner,
    left: 0,
    top: 0,
    regionWidth: inner.width,
    regionHeight: inner.height,
  });
  const result = new Uint8Array(width * height * 3);
  const left = Math.floor((width - inner.width) / 2);
  const top = Math.floor((height - inner.height) / 2);
  for (let row = 0; row < inner.height; row++) {
    const line = resized.subarray(row * inner.width * 3, (row + 1) * inner.width * 3);
    result.set(line, ((top + row) * width + left) * 3);
  }
  return result;
}

/**
 * What a model is fed: resized, cropped and normalised as transformers' processors do it with Pillow.
 *
 * @returns `[batch, 3, height, width]`, (x / 255 − mean) / standard deviation
 * @throws {RangeError} when an image has a wrong length or non-finite values
 */
export function preprocess(images: readonly Image[], preprocessing: Preprocessing): Floats {
  const { width, height, mean, standardDeviation } = preprocessing;
  const plane = width * height;
  const data = new Float32Array(images.length * 3 * plane);
  for (const [index, image] of images.entries()) {
    const bytes = fitImage(image, preprocessing);
    for (let channel = 0; channel < 3; channel++) {
      const start = (index * 3 + channel) * plane;
      for (let pixel = 0; pixel < plane; pixel++) {
        const value = bytes[pixel * 3 + channel]! / 255;
        data[start + pixel] = (value - mean[channel]!) / standardDeviation[channel]!;
      }
    }
  }
  return { data, dims: [images.length, 3, height, width] };
}
