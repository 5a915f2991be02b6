/** Images a batch at a time, with their texts and noise as the network takes them: what the ways of sampling share. */
import type { UNetText } from '@loop-diffusion/diffusion-models';
import * as tf from '@tensorflow/tfjs-core';

import type { LatentShape } from './latent-shape';
import { mergeAdapter } from './merge-adapter';
import type { Conditioning, Denoiser, RunningDenoiser } from './policy';
import { prepareText } from './prepare-text';
import { disposeTexts, gatherTexts, type EncodedText, type TextCondition } from './text-condition';

/**
 * Standard normals of one image, as many as its latent has numbers: step 0 starts it, step i + 1 is denoise step i's.
 */
export type NoiseSource = (image: number, step: number) => Float32Array;

export interface ImagesRequest {
  /** The distinct prompts, a row each. */
  readonly prompts: EncodedText;
  /** The empty prompt, one row. */
  readonly empty: EncodedText;
  /** For each image, the row of `prompts` that it is drawn for. */
  readonly promptOfImage: readonly number[];
  /** `[height, width, channels]` of a latent. */
  readonly latentShape: LatentShape;
  readonly noise: NoiseSource;
  /** Images per call of the network. */
  readonly batch: number;
  /** Called with the fraction done, in [0, 1]. */
  readonly onProgress?: ((fraction: number) => void) | undefined;
  /** Ends the sampling between two steps. */
  readonly signal?: AbortSignal | undefined;
}

export interface ImageBatch {
  /** With its adapter merged. */
  readonly denoiser: Denoiser;
  /** Images in the batch. */
  readonly count: number;
  readonly conditioning: Conditioning;
  /** The images' noise of a step, `[count, height, width, channels]`; the caller disposes it. */
  readonly noiseOf: (step: number) => tf.Tensor4D;
  /** To be called with the fraction of the batch that is done. */
  readonly onProgress: (fraction: number) => void;
}

/** Calls `draw` with one batch after the other; what it gets is freed afterwards. */
export async function forEachBatch(
  policy: RunningDenoiser,
  request: ImagesRequest,
  draw: (batch: ImageBatch) => Promise<void>,
): Promise<void> {
  const { latentShape, promptOfImage, noise, batch } = request;
  const images = promptOfImage.length;
  const { denoiser, dispose } = mergeAdapter(policy);
  const prepare = ({ states, added }: EncodedText): TextCondition<UNetText> => ({
    states: policy.compute.run(prepareText, denoiser, states),
    added,
  });
  const texts = prepare(request.prompts);
  const empty = prepare(request.empty);
  try {
    for (let first = 0; first < images; first += batch) {
      const count = Math.min(batch, images - first);
      const prompts = gatherTexts(texts, promptOfImage.slice(first, first + count));
      try {
        await draw({
          denoiser,
          count,
          conditioning: { prompts, empty },
          noiseOf: (step) => noiseTensor(noise, first, count, step, latentShape),
          onProgress: (fraction) => request.onProgress?.((first + fraction * count) / images),
        });
      } finally {
        disposeTexts(prompts);
      }
    }
  } finally {
    tf.dispose([texts.states, empty.states]);
    dispose();
  }
}

function noiseTensor(
  noise: NoiseSource,
  first: number,
  count: number,
  step: number,
  shape: LatentShape,
): tf.Tensor4D {
  const size = shape[0] * shape[1] * shape[2];
  const values = new Float32Array(count * size);
  for (let row = 0; row < count; row += 1) values.set(noise(first + row, step), row * size);
  return tf.tensor4d(values, [count, ...shape]);
}
