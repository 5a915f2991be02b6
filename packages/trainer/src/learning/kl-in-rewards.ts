/** How far the policy that sampled is from the base model, image by image, to be taken off rewards. */
import {
  policyMean,
  stepSigmas,
  type TrajectoryRow,
  type TrajectoryStore,
} from '@loop-diffusion/diffusion-mdp';
import { sideBySide } from '@loop-diffusion/native-tensorflow';
import { klToReference } from '@loop-diffusion/ppo-objective';
import * as tf from '@tensorflow/tfjs-core';

import type { NoiseSource } from '../policy/image-batches';
import type { Conditioning, Denoiser, RunningDenoiser } from '../policy/policy';
import { momentOf, predict, type Moment } from '../policy/predict';
import { cutRows, joinRows, partsOf } from '../policy/rows';
import { gatherNoise } from './gather-noise';
import { readRows } from './read-rows';
import { conditioningOf, denoiserOf, type TextsOfImages } from './term';

interface KlRequest extends TextsOfImages {
  readonly trajectories: TrajectoryStore | undefined;
  readonly trainedSteps: readonly number[];
  readonly noise: NoiseSource;
  readonly signal: AbortSignal;
}

/**
 * KL(p_old ‖ p_base) of each image's steps, a mean over the trained ones and the latent's numbers: mean((μ_old − μ_base)² / (2σ²)).
 * μ_old is x_{t−1} − σ z, which costs no pass of the network.
 *
 * @returns one per image, at least 0
 * @throws TypeError when there are no trajectories; the signal's reason when it is aborted
 */
export async function klInRewards(
  { policy, base, config }: KlRun,
  { trajectories, trainedSteps, noise, signal, ...texts }: KlRequest,
): Promise<number[]> {
  if (trajectories === undefined) throw new TypeError('There are no steps to compare.');
  const images = Array.from({ length: trajectories.size }, (_, image) => image);
  const rows = trainedSteps.flatMap((step) => images.map((sample) => ({ sample, step })));
  const divergencesOf = (chunk: readonly TrajectoryRow[]): tf.Tensor1D => {
    const { steps, sample, previousSample } = trajectories.gather(chunk);
    const conditioning = conditioningOf(
      texts,
      chunk.map((row) => row.sample),
    );
    return policy.compute.run(
      divergenceOfRows,
      denoiserOf(base),
      {
        ...{ sample, previousSample, conditioning, moment: momentOf(policy, steps) },
        noise: gatherNoise(noise, chunk, trajectories.latentShape),
      },
      partsOf(sample),
    );
  };
  const divergences = await readRows(rows, config.batch.update, divergencesOf, signal);
  const sums = images.map(() => 0);
  for (const [row, { sample }] of rows.entries()) {
    sums[sample] = (sums[sample] ?? 0) + (divergences[row] ?? Number.NaN) / trainedSteps.length;
  }
  return sums;
}

interface KlRun {
  readonly policy: RunningDenoiser;
  readonly base: Denoiser;
  readonly config: { readonly batch: { readonly update: number } };
}

interface KlChunk {
  readonly sample: tf.Tensor4D;
  readonly previousSample: tf.Tensor4D;
  readonly noise: tf.Tensor4D;
  readonly moment: Moment;
  readonly conditioning: Conditioning;
}

function divergenceOfRows(base: Denoiser, chunk: KlChunk, parts: number): tf.Tensor1D {
  return joinRows(
    sideBySide(cutRows(chunk, parts), ({ sample, previousSample, noise, moment, conditioning }) => {
      const sigma = stepSigmas(moment.step);
      const mean = tf.sub(previousSample, tf.mul(noise, tf.reshape(sigma, [-1, 1, 1, 1])));
      const output = predict(base, sample, moment.timesteps, conditioning);
      const referenceMean = policyMean(base.schedule, moment.step, sample, output);
      return klToReference({ mean, referenceMean, sigma, reduction: 'none' });
    }),
  );
}
