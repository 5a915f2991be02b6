import { softmaxWeights } from '@loop-diffusion/advantage-estimators';
import { weightedDenoising } from '@loop-diffusion/denoising-objectives';
import { z } from 'zod';

import { numberAbove, oneOf } from '../fields';
import { defineMethod } from './method';

const settings = z.strictObject({
  temperature: numberAbove(
    0,
    Infinity,
    'factor of the rewards in the softmax, as in the published code; towards 0 all images count alike, and the larger the more the best',
  ).default(0.2),
  over: oneOf(['prompt', 'batch'], 'the images that a weight compares').default('prompt'),
});
type Settings = z.output<typeof settings>;

/** RWR, reward-weighted regression (Peters & Schaal 2007), as DDPO compares with (arXiv 2305.13301). */
export const rwr = defineMethod({
  name: 'rwr',
  settings,
  objective: ({ temperature, over }: Settings) => ({
    learnsFrom: 'images',
    withinPrompts: over === 'prompt',
    smallestGroup: over === 'prompt' ? 2 : 1,
    reuse: 'bounded',
    // w = n softmax(τ r)
    advantages: ({ rewards, mask }) => softmaxWeights(rewards, { temperature, over }, mask),
    // w ℓ
    loss: ({ error, advantages }) => ({
      loss: weightedDenoising({ error, weights: advantages, reduction: 'none' }),
      measures: { denoising_error: error },
    }),
  }),
});
