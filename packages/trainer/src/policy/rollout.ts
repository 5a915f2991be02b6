/** Sampling: from noise to latents, with every step and its log-probability kept. */
import { TrajectoryStore, type DenoiseStep } from '@loop-diffusion/diffusion-mdp';
import * as tf from '@tensorflow/tfjs-core';

import { nextTurn } from '../next-turn';
import { denoise } from './denoise';
import { forEachBatch, type ImagesRequest } from './image-batches';
import type { Denoiser } from './policy';
import { momentOf } from './predict';

export interface RolloutRequest extends ImagesRequest {
  readonly plan: readonly DenoiseStep[];
  /** Called with the last latents `[batch, height, width, channels]` of each batch, in order; they are freed after it. */
  readonly onBatch?: ((latents: tf.Tensor4D) => Promise<void>) | undefined;
}

/**
 * Draws one trajectory x_T … x_0 per image. The result depends on the noise, not on how the images are batched, up to the
 * rounding of a matrix product's rows.
 *
 * @throws the signal's reason when it is aborted on the way
 */
export async function sampleTrajectories(
  policy: Denoiser,
  request: RolloutRequest,
): Promise<TrajectoryStore> {
  const { plan, latentShape, signal } = request;
  const store = new TrajectoryStore(plan, latentShape);
  await forEachBatch(policy, request, async (batch) => {
    const { denoiser, count, conditioning, noiseOf } = batch;
    const latents = [noiseOf(0)];
    const logProbs: (tf.Tensor1D | undefined)[] = [];
    try {
      for (const step of plan) {
        await nextTurn(signal);
        const sample = latents[step.index] as tf.Tensor4D;
        const moment = momentOf(policy, new Array<DenoiseStep>(count).fill(step));
        const z = noiseOf(step.index + 1);
        const { previousSample, logProb } = denoise(denoiser, moment, sample, z, conditioning);
        tf.dispose([moment.timesteps, moment.step, z]);
        latents.push(previousSample);
        logProbs.push(logProb);
        batch.onProgress((step.index + 1) / plan.length);
      }
      await store.add(latents, logProbs);
      await request.onBatch?.(latents.at(-1) as tf.Tensor4D);
    } finally {
      tf.dispose([...latents, ...logProbs.filter((logProb) => logProb !== undefined)]);
    }
  });
  return store;
}
