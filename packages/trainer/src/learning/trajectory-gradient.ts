/** The loss of a chunk of (trajectory, denoise step) pairs and its gradient. */
import {
  gaussianLogProb,
  policyMean,
  stepOutputScales,
  stepSigmas,
} from '@loop-diffusion/diffusion-mdp';
import { sideBySide } from '@loop-diffusion/native-tensorflow';
import { klToReference, policyRatio, sampleDropoutMask } from '@loop-diffusion/ppo-objective';
import * as tf from '@tensorflow/tfjs-core';

import type { LossContext, TrajectoryObjective } from '../methods/method';
import type { Conditioning, Denoiser } from '../policy/policy';
import { predict, type Moment } from '../policy/predict';
import { cutRows } from '../policy/rows';
import { joinGradients, rowGradient, type RowGradient, type WeighedRows } from './row-gradient';

/** Rows whose ratio differs from 1 by `delta` or more, on these sides, are left out of the mean. */
export interface SampleDropout {
  readonly delta: number;
  readonly side: 'both' | 'upper' | 'lower';
}

/** What a compiled gradient is made for. */
export interface TrajectoryLoss {
  readonly objective: Pick<TrajectoryObjective, 'loss' | 'pairs' | 'base' | 'oldMean'>;
  readonly context: LossContext;
  readonly sampleDropout: SampleDropout | undefined;
  /** Whether all rows count, also those that would be left out. */
  readonly everyRow: boolean;
}

/** Tensors of a chunk: a row per (trajectory, denoise step) pair. */
export interface TrajectoryChunk extends WeighedRows {
  readonly sample: tf.Tensor4D;
  readonly previousSample: tf.Tensor4D;
  readonly moment: Moment;
  readonly conditioning: Conditioning;
  readonly oldLogProb: tf.Tensor1D;
  readonly advantages: tf.Tensor1D;
  /** z of the policy that sampled, where its mean is asked for. */
  readonly noise: tf.Tensor4D | undefined;
}

/** @param base the model as it was, where the loss or a divergence compares with it */
export function trajectoryGradient(
  policy: Denoiser,
  base: Denoiser | undefined,
  loss: TrajectoryLoss,
  chunk: TrajectoryChunk,
  parts: number,
): RowGradient {
  const together = loss.objective.pairs === true ? 2 : 1;
  return joinGradients(
    sideBySide(cutRows(chunk, parts, together), (part) => partGradient(policy, base, loss, part)),
  );
}

function partGradient(
  policy: Denoiser,
  base: Denoiser | undefined,
  { objective, context, sampleDropout, everyRow }: TrajectoryLoss,
  chunk: TrajectoryChunk,
): RowGradient {
  const { sample, previousSample, moment, conditioning, oldLogProb, advantages, noise } = chunk;
  const sigma = stepSigmas(moment.step);
  const outputScale = stepOutputScales(moment.step);
  const meanOf = (denoiser: Denoiser): tf.Tensor4D => {
    const output = predict(denoiser, sample, moment.timesteps, conditioning);
    return policyMean(denoiser.schedule, moment.step, sample, output);
  };
  const logProbOf = (mean: tf.Tensor4D): tf.Tensor1D =>
    gaussianLogProb(previousSample, mean, moment.step);
  const baseMean = base && meanOf(base);
  const baseRows =
    objective.base === true && baseMean !== undefined
      ? { mean: baseMean, logProb: logProbOf(baseMean) }
      : undefined;
  // x_{t−1} = μ + σ z
  const oldMean =
    noise && tf.sub<tf.Tensor4D>(previousSample, tf.mul(noise, tf.reshape(sigma, [-1, 1, 1, 1])));
  const rules = { pairs: objective.pairs === true, everyRow };
  return rowGradient(policy, chunk, rules, (learning) => {
    const mean = meanOf(learning);
    const logProb = logProbOf(mean);
    const losses = objective.loss(
      {
        ...{ advantages, logProb, oldLogProb, mean, previousSample, sigma, outputScale, oldMean },
        base: baseRows,
      },
      context,
    );
    return {
      ...{ losses, logProb },
      kept:
        sampleDropout &&
        sampleDropoutMask({ ratio: policyRatio(logProb, oldLogProb), ...sampleDropout }),
      divergence:
        chunk.klWeight &&
        baseMean &&
        klToReference({ mean, referenceMean: baseMean, sigma, reduction: 'none' }),
    };
  });
}
