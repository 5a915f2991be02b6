/** Sampling: from noise to latents, with every step and its log-probability kept. */
import { TrajectoryStore, type DenoiseStep } from '@loop-diffusion/diffusion-mdp';
import type { UNetText } from '@loop-diffusion/diffusion-models';
import * as tf from '@tensorflow/tfjs-core';

import type { LatentShape } from './latent-shape';
import { nextTurn } from './next-turn';
import {
  denoise,
  disposeTexts,
  gatherTexts,
  mergeAdapter,
  momentOf,
  prepareText,
  type Denoiser,
  type EncodedText,
  type TextCondition,
} from './policy';

/**
 * Standard normals of one image, as many as its latent has numbers: step 0 starts it, step i + 1 is denoise step i's.
 */
export type NoiseSource = (image: number, step: number) => Float32Array;

export interface RolloutRequest {
  /** The distinct prompts, a row each. */
  readonly prompts: EncodedText;
  /** The empty prompt, one row. */
  readonly empty: EncodedText;
  /** For each image, the row of `prompts` that it is drawn for. */
  readonly promptOfImage: readonly number[];
  /** `[height, width, channels]` of a latent. */
  readonly latentShape: LatentShape;
  readonly plan: readonly DenoiseStep[];
  readonly noise: NoiseSource;
  /** Images per call of the policy. */
  readonly batch: number;
  /** Called with the last latents `[batch, height, width, channels]` of each batch, in order; they are freed after it. */
  readonly onBatch?: ((latents: tf.Tensor4D) => Promise<void>) | undefined;
  /** Called with the fraction done, in [0, 1]. */
  readonly onProgress?: ((fraction: number) => void) | undefined;
  /** Ends the rollout between two denoise steps. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Draws one trajectory x_T … x_0 per image. The result depends on the noise, not on how the images are batched, up to the
 * rounding of a matrix product's rows.
 */
export async function sampleTrajectories(
  policy: Denoiser,
  request: RolloutRequest,
): Promise<TrajectoryStore> {
  const { plan, latentShape, promptOfImage, noise, batch } = request;
  const images = promptOfImage.length;
  const store = new TrajectoryStore(plan, latentShape);

  const { denoiser, dispose } = mergeAdapter(policy);
  const prepare = ({ states, added }: EncodedText): TextCondition<UNetText> => ({
    states: prepareText(denoiser, states),
    added,
  });
  const texts = prepare(request.prompts);
  const empty = prepare(request.empty);
  try {
    for (let first = 0; first < images; first += batch) {
      const count = Math.min(batch, images - first);
      const noiseOf = (step: number) => noiseTensor(noise, first, count, step, latentShape);
      const rows = promptOfImage.slice(first, first + count);
      const prompts = gatherTexts(texts, rows);
      const conditioning = { prompts, empty };
      const latents = [noiseOf(0)];
      const logProbs: (tf.Tensor1D | null)[] = [];
      try {
        for (const step of plan) {
          await nextTurn(request.signal);
          const sample = latents[step.index] as tf.Tensor4D;
          const moment = momentOf(policy, new Array<DenoiseStep>(count).fill(step));
          const z = noiseOf(step.index + 1);
          const { previousSample, logProb } = denoise(denoiser, moment, sample, z, conditioning);
          tf.dispose([moment.timesteps, moment.step.columns, z]);
          latents.push(previousSample);
          logProbs.push(logProb);
          request.onProgress?.((first + ((step.index + 1) / plan.length) * count) / images);
        }
        await store.add(latents, logProbs);
        await request.onBatch?.(latents.at(-1) as tf.Tensor4D);
      } finally {
        disposeTexts(prompts);
        tf.dispose([...latents, ...logProbs.filter((logProb) => logProb !== null)]);
      }
    }
  } finally {
    tf.dispose([texts.states, empty.states]);
    dispose();
  }
  return store;
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
