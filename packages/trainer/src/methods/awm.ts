import { groupMean } from '@loop-diffusion/advantage-estimators';
import { advantageWeightedMatching, fourthRootScore } from '@loop-diffusion/denoising-objectives';
import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';

import { numberAbove, oneOf, realNumber } from '../fields';
import { defineMethod, type Prediction } from './method';

const settings = z.strictObject({
  clipRange: numberAbove(
    0,
    Infinity,
    'how far exp of the scores’ difference may leave 1; published as 1, which hardly acts',
  ).default(1),
  score: oneOf(
    ['error', 'fourth-root'],
    'what stands for a log-probability: the denoising error with a minus, or its fourth root, which large errors weigh less in',
  ).default('error'),
  largestAdvantage: numberAbove(
    0,
    Infinity,
    'advantages, in standard deviations of the batch, are clamped to ± this and divided by it',
  ).default(5),
  baseWeight: realNumber(
    0,
    Infinity,
    "weight of the mean square of the prediction's difference from the base model's (0 saves a pass per row)",
  ).default(0.001),
  averageWeight: realNumber(
    0,
    Infinity,
    'weight of the same difference from a running average of the policy',
  ).default(1),
});
type Settings = z.output<typeof settings>;

/** d = min(0.001 · iteration, 0.3), as published. */
const DECAY = { perIteration: 0.001, largest: 0.3 };

/** AWM, advantage-weighted matching (arXiv 2509.25050): the policy gradient with −ℓ in the place of log p. */
export const awm = defineMethod({
  name: 'awm',
  settings,
  objective: (chosen: Settings) => ({
    learnsFrom: 'images',
    // The deviation is over prompts, so that sums must have all their terms.
    withinPrompts: false,
    reuse: 'clipped',
    ownClip: true,
    // Without an advantage the pulls to the base and to the average are left.
    zeroAdvantages: chosen.baseWeight > 0 || chosen.averageWeight > 0,
    base: chosen.baseWeight > 0,
    average: {
      samples: false,
      decay: (iteration) => Math.min(DECAY.perIteration * iteration, DECAY.largest),
    },
    // A = clamp((r − r̄) / (std of the batch + 1e-4)) / A_max
    advantages: ({ rewards, mask }) =>
      groupMean(rewards, { std: 'batch' }, mask).map((row) =>
        row.map((advantage) => {
          const { largestAdvantage: most } = chosen;
          return Math.min(Math.max(advantage, -most), most) / most;
        }),
      ),
    loss({ output, error, advantages, noiseLevel, base, average }) {
      if (average === undefined) throw new TypeError('There is no average to stay near to.');
      const { clipRange, baseWeight, averageWeight } = chosen;
      const scoreOf = (given: tf.Tensor1D): tf.Tensor1D =>
        chosen.score === 'error' ? tf.neg(given) : fourthRootScore(given, noiseLevel);
      // max(−A ρ, −A clip(ρ, 1−ε, 1+ε)), ρ = exp(s − s_old); the average, which follows closely, stands for the old policy.
      const matching = advantageWeightedMatching({
        ...{ score: scoreOf(error), oldScore: scoreOf(average.error) },
        ...{ advantages, clipRange, reduction: 'none' },
      });
      const distance = ({ output: other }: Prediction): tf.Tensor1D =>
        tf.mean(tf.squaredDifference(output, other), [1, 2, 3]);
      const held = tf.mul(distance(average), averageWeight);
      const loss = tf.add<tf.Tensor1D>(matching, held);
      return base === undefined
        ? loss
        : tf.add<tf.Tensor1D>(loss, tf.mul(distance(base), baseWeight));
    },
  }),
});
