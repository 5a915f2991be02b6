/** The loss of a chunk of images that were noised anew, and its gradient. */
import { predictOriginalSample } from '@loop-diffusion/diffusion-mdp';
import { sideBySide } from '@loop-diffusion/native-tensorflow';
import { denoisingError } from '@loop-diffusion/denoising-objectives';
import * as tf from '@tensorflow/tfjs-core';

import type { DenoisingObjective, LossContext, Prediction } from '../methods/method';
import type { Conditioning, Denoiser } from '../policy/policy';
import { predict, type Moment } from '../policy/predict';
import { cutRows } from '../policy/rows';
import { joinGradients, rowGradient, type RowGradient, type WeighedRows } from './row-gradient';

/** What a compiled gradient is made for. */
export interface DenoisingLoss {
  readonly objective: Pick<DenoisingObjective, 'loss' | 'pairs' | 'base'>;
  readonly context: LossContext;
  /** Whether all rows count, also those that would be left out. */
  readonly everyRow: boolean;
}

/** Tensors of a chunk: a row per image and draw of timestep and noise. */
export interface DenoisingChunk extends WeighedRows {
  readonly original: tf.Tensor4D;
  readonly noised: tf.Tensor4D;
  readonly target: tf.Tensor4D;
  /** √(1 − ᾱ_t). */
  readonly noiseLevel: tf.Tensor1D;
  readonly moment: Moment;
  readonly conditioning: Conditioning;
  readonly advantages: tf.Tensor1D;
}

/** Policies that a loss compares with. */
export interface Others {
  readonly base: Denoiser | undefined;
  readonly average: Denoiser | undefined;
}

export function denoisingGradient(
  policy: Denoiser,
  others: Others,
  loss: DenoisingLoss,
  chunk: DenoisingChunk,
  parts: number,
): RowGradient {
  const together = loss.objective.pairs === true ? 2 : 1;
  return joinGradients(
    sideBySide(cutRows(chunk, parts, together), (part) => partGradient(policy, others, loss, part)),
  );
}

function partGradient(
  policy: Denoiser,
  { base, average }: Others,
  { objective, context, everyRow }: DenoisingLoss,
  chunk: DenoisingChunk,
): RowGradient {
  const { original, noised, target, noiseLevel, moment, conditioning, advantages } = chunk;
  const predictionOf = (denoiser: Denoiser): Prediction => {
    const output = predict(denoiser, noised, moment.timesteps, conditioning);
    return { output, error: denoisingError(output, target) };
  };
  const originalOf = (output: tf.Tensor4D): tf.Tensor4D =>
    predictOriginalSample(policy.schedule, moment.step, noised, output);
  const ofBase = base && predictionOf(base);
  const ofAverage = average && predictionOf(average);
  const rules = { pairs: objective.pairs === true, everyRow };
  return rowGradient(policy, chunk, rules, (learning) => {
    const prediction = predictionOf(learning);
    const losses = objective.loss(
      {
        ...{ ...prediction, advantages, original, noised, target, noiseLevel, originalOf },
        base: objective.base === true ? ofBase : undefined,
        average: ofAverage,
      },
      context,
    );
    return {
      losses,
      // Of predictions the mean square of the difference, in the place of a divergence.
      divergence:
        chunk.klWeight &&
        ofBase &&
        tf.mean(tf.squaredDifference(prediction.output, ofBase.output), [1, 2, 3]),
    };
  });
}
