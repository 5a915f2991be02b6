import {
  alignedFineTuning,
  gaussianKernelLogProb,
  logOdds,
  scaleClipRange,
} from '@loop-diffusion/ppo-objective';
import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';

import { oneOf, realNumber } from '../fields';
import { defineMethod, type LossContext, type TrajectoryRows } from './method';
import { bestAgainstWorst, clampedPreferences } from './pairs';

const settings = z.strictObject({
  lambda: realNumber(
    0,
    Infinity,
    'weight of the alignment beside the imitation of the best',
  ).default(1),
  beta: z
    .union([z.literal('auto'), z.number().gt(0)])
    .meta({
      expected: 'auto or a number above 0',
      description:
        'factor of the odds; auto, for score: reference, is one over the automatic clip range',
    })
    .default(1),
  sftWeight: realNumber(0, Infinity, 'weight of the imitation of the best').default(1),
  score: oneOf(
    ['kernel', 'reference'],
    'what stands for a probability: kernel is the density by its largest value, reference the odds to the base model (one pass more per row)',
  ).default('kernel'),
});
type Settings = z.output<typeof settings>;

/**
 * ASFT, aligned supervised fine-tuning (arXiv 2409.10571) on the best and the worst of a prompt, each scored by itself:
 * −w log p_w − λ [log σ(β o_w) + log σ(−β o_l)], o the log-odds.
 */
export const asft = defineMethod({
  name: 'asft',
  settings,
  objective: (chosen: Settings) => ({
    learnsFrom: 'trajectories',
    withinPrompts: true,
    reuse: 'bounded',
    base: chosen.score === 'reference',
    advantages: bestAgainstWorst,
    loss(rows, context) {
      const { logProb, odds, beta } = scoreOf(rows, chosen, context);
      const loss = alignedFineTuning({
        ...{ logProb, logOdds: odds, beta, preferences: rows.advantages, reduction: 'none' },
        ...{ lambda: chosen.lambda, sftWeight: chosen.sftWeight },
      });
      // A pair's loss is the sum of its two rows', the mean is over rows.
      return tf.mul<tf.Tensor1D>(loss, 2);
    },
  }),
  problems: ({ score, beta, lambda, sftWeight }, { advantageClip }) => [
    ...clampedPreferences('asft', advantageClip),
    ...(score === 'reference' && beta === 1
      ? [
          'algorithm.asft.score is reference with algorithm.asft.beta at 1: log-ratios of means over a latent are so small that nothing would be learnt; set algorithm.asft.beta=auto',
        ]
      : []),
    ...(lambda === 0 && sftWeight === 0
      ? ['algorithm.asft.lambda and algorithm.asft.sftWeight are 0, which leaves nothing to learn']
      : []),
    ...(score === 'kernel' && beta === 'auto'
      ? ['algorithm.asft.beta is auto, which is for algorithm.asft.score=reference; 1 is usual']
      : []),
  ],
});

function scoreOf(
  { logProb, mean, previousSample, sigma, base }: TrajectoryRows,
  { score, beta }: Settings,
  { latentSize }: LossContext,
): { logProb: tf.Tensor1D; odds: tf.Tensor1D; beta: number } {
  if (score === 'kernel') {
    const kernel = gaussianKernelLogProb({ value: previousSample, mean, sigma });
    return { logProb: kernel, odds: logOdds(kernel), beta: beta === 'auto' ? 1 : beta };
  }
  if (base === undefined) throw new TypeError('There is no base model to compare with.');
  return {
    logProb,
    odds: tf.sub(logProb, base.logProb),
    beta: beta === 'auto' ? 1 / scaleClipRange(latentSize) : beta,
  };
}
