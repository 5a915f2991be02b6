/** Sampling without a policy: from noise to latents along the probability-flow ODE, with no randomness on the way. */
import {
  samplerStepTensor,
  scaleModelInput,
  takeSamplerStep,
  type SampledStep,
  type Sampler,
  type SamplerStepTensor,
} from '@loop-diffusion/diffusion-mdp';
import { unetTimesteps } from '@loop-diffusion/diffusion-models';
import { sideBySide } from '@loop-diffusion/native-tensorflow';
import * as tf from '@tensorflow/tfjs-core';

import { nextTurn } from '../next-turn';
import { forEachBatch, type ImagesRequest } from './image-batches';
import type { Conditioning, Denoiser, RunningDenoiser } from './policy';
import { predict } from './predict';
import { cutRows, joinRows, partsOf } from './rows';

export interface IntegrationRequest extends ImagesRequest {
  readonly sampler: Sampler;
}

/**
 * Draws one trajectory per image from the noise of step 0 alone.
 *
 * @returns of each image its samples one after the other, `[steps + 1, height, width, channels]`
 * @throws Error when the network's output is not finite
 * @throws the signal's reason when it is aborted on the way
 */
export async function integrateTrajectories(
  policy: RunningDenoiser,
  request: IntegrationRequest,
): Promise<Float32Array[]> {
  const { sampler, signal } = request;
  const trajectories: Float32Array[] = [];
  await forEachBatch(policy, request, async (batch) => {
    const { denoiser, conditioning } = batch;
    const noise = batch.noiseOf(0);
    const samples = [tf.mul<tf.Tensor4D>(noise, sampler.initialNoiseSigma)];
    let original: tf.Tensor4D = tf.zerosLike(noise);
    noise.dispose();
    try {
      for (const step of sampler.steps) {
        await nextTurn(signal);
        const moment = {
          timesteps: unetTimesteps(denoiser.unet.config, [step.timestep]),
          step: samplerStepTensor(step),
        };
        const sample = samples[step.index] as tf.Tensor4D;
        const taken = policy.compute.run(
          takeStep,
          denoiser,
          { moment, sample, original, conditioning },
          partsOf(sample),
        );
        tf.dispose([moment.timesteps, moment.step, original]);
        samples.push(taken.sample);
        original = taken.original;
        batch.onProgress((step.index + 1) / sampler.steps.length);
      }
      trajectories.push(...(await readTrajectories(samples)));
    } finally {
      tf.dispose([samples, original]);
    }
  });
  return trajectories;
}

interface StepBatch {
  readonly moment: {
    /** Sinusoids, `[1, channels]`. */
    readonly timesteps: tf.Tensor2D;
    readonly step: SamplerStepTensor;
  };
  readonly sample: tf.Tensor4D;
  /** x̂0 of the step before; zeros at the first. */
  readonly original: tf.Tensor4D;
  readonly conditioning: Conditioning;
}

/** One step of a batch. */
function takeStep(denoiser: Denoiser, batch: StepBatch, parts: number): SampledStep {
  return tf.tidy(() => {
    const taken = sideBySide(
      cutRows(batch, parts),
      ({ moment, sample, original, conditioning }) => {
        const input = scaleModelInput(moment.step, sample);
        const output = predict(denoiser, input, moment.timesteps, conditioning);
        return takeSamplerStep(moment.step, sample, output, original);
      },
    );
    return {
      sample: joinRows(taken.map(({ sample }) => sample)),
      original: joinRows(taken.map(({ original }) => original)),
    };
  });
}

/** @param samples the points of the trajectories, `[batch, height, width, channels]` each */
async function readTrajectories(samples: readonly tf.Tensor4D[]): Promise<Float32Array[]> {
  const trajectories = tf.stack([...samples], 1);
  const values = await trajectories.data<'float32'>();
  const [count] = trajectories.shape as [number];
  trajectories.dispose();
  if (!values.every(Number.isFinite)) {
    throw new Error("The network's output or the noise was not finite.");
  }
  const size = values.length / count;
  return Array.from({ length: count }, (_, row) => values.slice(row * size, (row + 1) * size));
}
