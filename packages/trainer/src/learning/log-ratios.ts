/** Log-probabilities of rows under the policy as it is, without a gradient. */
import {
  gaussianLogProb,
  policyMean,
  type TrajectoryRow,
  type TrajectoryStore,
} from '@loop-diffusion/diffusion-mdp';
import { sideBySide } from '@loop-diffusion/native-tensorflow';
import * as tf from '@tensorflow/tfjs-core';

import type { Conditioning, Denoiser, RunningDenoiser } from '../policy/policy';
import { momentOf, predict, type Moment } from '../policy/predict';
import { cutRows, joinRows, partsOf } from '../policy/rows';
import { readRows } from './read-rows';
import { conditioningOf, denoiserOf, type TextsOfImages } from './term';

/**
 * @returns log p_θ − log p_old of each row, in their order
 * @throws the signal's reason when it is aborted
 */
export async function logRatiosOf(
  policy: RunningDenoiser,
  source: TextsOfImages & { readonly trajectories: TrajectoryStore; readonly batch: number },
  rows: readonly TrajectoryRow[],
  signal?: AbortSignal,
): Promise<number[]> {
  const logRatios = (chunk: readonly TrajectoryRow[]): tf.Tensor1D => {
    const { steps, sample, previousSample, oldLogProb } = source.trajectories.gather(chunk);
    const conditioning = conditioningOf(
      source,
      chunk.map((row) => row.sample),
    );
    const logProb = policy.compute.run(
      logProbOfRows,
      denoiserOf(policy),
      { sample, previousSample, moment: momentOf(policy, steps), conditioning },
      partsOf(sample),
    );
    return tf.sub(logProb, tf.tensor1d(oldLogProb));
  };
  return readRows(rows, source.batch, logRatios, signal);
}

interface Rows {
  readonly sample: tf.Tensor4D;
  readonly previousSample: tf.Tensor4D;
  readonly moment: Moment;
  readonly conditioning: Conditioning;
}

function logProbOfRows(policy: Denoiser, rows: Rows, parts: number): tf.Tensor1D {
  return joinRows(
    sideBySide(cutRows(rows, parts), ({ sample, previousSample, moment, conditioning }) => {
      const output = predict(policy, sample, moment.timesteps, conditioning);
      const mean = policyMean(policy.schedule, moment.step, sample, output);
      return gaussianLogProb(previousSample, mean, moment.step);
    }),
  );
}
