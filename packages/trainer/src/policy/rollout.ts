/** Sampling: from noise to latents, with every step and its log-probability kept, or the latents alone. */
import { TrajectoryStore, type DenoiseStep, type PolicyStep } from '@loop-diffusion/diffusion-mdp';
import * as tf from '@tensorflow/tfjs-core';

import { nextTurn } from '../next-turn';
import { denoise } from './denoise';
import { forEachBatch, type ImageBatch, type ImagesRequest } from './image-batches';
import type { RunningDenoiser } from './policy';
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
  policy: RunningDenoiser,
  request: RolloutRequest,
): Promise<TrajectoryStore> {
  const store = new TrajectoryStore(request.plan, request.latentShape);
  await forEachBatch(policy, request, async (batch) => {
    const latents = [batch.noiseOf(0)];
    const logProbs: (tf.Tensor1D | undefined)[] = [];
    try {
      for (const step of request.plan) {
        const sample = latents[step.index] as tf.Tensor4D;
        const { previousSample, logProb } = await takeStep(policy, request, batch, step, sample);
        latents.push(previousSample);
        logProbs.push(logProb);
      }
      await store.add(latents, logProbs);
      await request.onBatch?.(latents.at(-1) as tf.Tensor4D);
    } finally {
      tf.dispose([...latents, ...logProbs.filter((logProb) => logProb !== undefined)]);
    }
  });
  return store;
}

/**
 * The same for who wants the last latents alone: nothing of the way is kept.
 *
 * @throws the signal's reason when it is aborted on the way; Error when the latents of a batch are not finite
 */
export async function sampleLatents(
  policy: RunningDenoiser,
  request: RolloutRequest & Required<Pick<RolloutRequest, 'onBatch'>>,
): Promise<void> {
  await forEachBatch(policy, request, async (batch) => {
    let sample = batch.noiseOf(0);
    try {
      for (const step of request.plan) {
        const { previousSample, logProb } = await takeStep(policy, request, batch, step, sample);
        tf.dispose(logProb === undefined ? [sample] : [sample, logProb]);
        sample = previousSample;
      }
      if (!(await sample.data()).every(Number.isFinite)) {
        throw new Error("The network's output or the noise was not finite.");
      }
      await request.onBatch?.(sample);
    } finally {
      sample.dispose();
    }
  });
}

/** One step of a batch; what it returns is the caller's. */
async function takeStep(
  policy: RunningDenoiser,
  { plan, signal }: RolloutRequest,
  { denoiser, count, conditioning, noiseOf, onProgress }: ImageBatch,
  step: DenoiseStep,
  sample: tf.Tensor4D,
): Promise<PolicyStep> {
  await nextTurn(signal);
  const moment = momentOf(policy, new Array<DenoiseStep>(count).fill(step));
  const noise = noiseOf(step.index + 1);
  const taken = denoise(policy.compute, denoiser, { moment, sample, noise, conditioning });
  tf.dispose([moment.timesteps, moment.step, noise]);
  onProgress((step.index + 1) / plan.length);
  return taken;
}
