import { groupMean } from '@loop-diffusion/advantage-estimators';
import { negativeAwareFineTuning, optimality } from '@loop-diffusion/denoising-objectives';
import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';

import { MANY, numberAbove, realNumber, wholeNumber } from '../fields';
import { defineMethod, type AverageOfWeights } from './method';

const settings = z.strictObject({
  beta: numberAbove(
    0,
    1,
    'how far the policies that are compared lie from the old one, in steps of the trained one',
  ).default(1),
  largestAdvantage: numberAbove(
    0,
    Infinity,
    'advantages, in standard deviations of the batch, beyond which an image is only good or only bad',
  ).default(5),
  baseWeight: realNumber(
    0,
    Infinity,
    "weight of the mean square of the prediction's difference from the base model's (0 saves a pass per row)",
  ).default(1e-4),
  decayPerIteration: realNumber(
    0,
    1,
    'the old policy follows the trained one by an average whose decay grows by so much an iteration',
  ).default(0.001),
  decayDelay: wholeNumber(0, MANY, 'iterations before it begins to grow').default(0),
  largestDecay: realNumber(0, 1, 'the largest decay').default(0.5),
});
type Settings = z.output<typeof settings>;

/** DiffusionNFT, negative-aware fine-tuning (arXiv 2509.16117): the old policy draws, and stays behind as an average. */
export const nft = defineMethod({
  name: 'nft',
  settings,
  objective: (chosen: Settings) => ({
    learnsFrom: 'images',
    // The deviation is over prompts, so that sums must have all their terms.
    withinPrompts: false,
    reuse: 'bounded',
    // An image that is neither good nor bad still holds the policy where the old one is.
    zeroAdvantages: true,
    base: chosen.baseWeight > 0,
    average: oldPolicy(chosen),
    // A = (r − r̄) / (std of the batch + 1e-4)
    advantages: ({ rewards, mask }) => groupMean(rewards, { std: 'batch' }, mask),
    loss({ output, original, advantages, average, base, originalOf }) {
      if (average === undefined) throw new TypeError('There is no old policy to compare with.');
      const { beta, largestAdvantage, baseWeight } = chosen;
      // [r mean((x̂⁺ − x_0)²)/n⁺ + (1 − r) mean((x̂⁻ − x_0)²)/n⁻] / β
      const rows = negativeAwareFineTuning({
        predicted: originalOf(output),
        oldPredicted: originalOf(average.output),
        // r = clip(A / (2 A_max) + ½, 0, 1)
        optimality: optimality(advantages, largestAdvantage),
        ...{ original, beta, reduction: 'none' },
      });
      const loss = tf.mul<tf.Tensor1D>(rows, largestAdvantage);
      if (base === undefined) return loss;
      const drift = tf.mean<tf.Tensor1D>(tf.squaredDifference(output, base.output), [1, 2, 3]);
      return { loss: tf.add(loss, tf.mul(drift, baseWeight)), measures: { base_distance: drift } };
    },
  }),
});

/** d = min(rate · (iteration − delay), largest), 0 before. */
function oldPolicy({ decayPerIteration, decayDelay, largestDecay }: Settings): AverageOfWeights {
  return {
    samples: true,
    decay: (iteration) =>
      Math.min(decayPerIteration * Math.max(iteration - decayDelay, 0), largestDecay),
  };
}
