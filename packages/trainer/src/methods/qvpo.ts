import { exponentialWeights, positiveAdvantages } from '@loop-diffusion/advantage-estimators';
import { weightedDenoising } from '@loop-diffusion/denoising-objectives';
import { z } from 'zod';

import { MANY, numberAbove, oneOf, realNumber, wholeNumber } from '../fields';
import { defineMethod, type GroupedRewards } from './method';

const settings = z.strictObject({
  weights: oneOf(
    ['advantage', 'exponential'],
    'what an image counts: its advantage where that is above 0, or the exponential of beta times its z-score within the prompt',
  ).default('advantage'),
  beta: numberAbove(0, 10, 'with weights: exponential, factor of the z-score').default(1),
  chosen: z
    .union([z.literal('all'), z.number().int().min(1).max(MANY)])
    .meta({
      expected: 'all or a whole number of at least 1',
      description: 'how many of the best images of a prompt are learnt from',
    })
    .default(1),
  entropyWeight: realNumber(
    0,
    Infinity,
    'what each of the samples below counts, as a part of what the best image of its prompt does; 0 for none',
  ).default(0),
  finalEntropyFraction: realNumber(
    0,
    1,
    'entropyWeight falls linearly over the run, down to this part of it; 1 for one that stays',
  ).default(0.1),
  entropySamples: wholeNumber(
    1,
    1000,
    'samples of each prompt that join the loss against a policy that narrows',
  ).default(10),
  entropyFrom: oneOf(
    ['base', 'noise'],
    'what they are: images of the model as it was, a pull back to it, or nothing but noise',
  ).default('base'),
});
type Settings = z.output<typeof settings>;

/** QVPO, Q-weighted variational policy optimisation (arXiv 2405.16173), with the reward itself for Q. */
export const qvpo = defineMethod({
  name: 'qvpo',
  settings,
  objective: (chosen: Settings) => ({
    learnsFrom: 'images',
    withinPrompts: true,
    reuse: 'bounded',
    extra:
      chosen.entropyWeight === 0
        ? undefined
        : {
            count: chosen.entropySamples,
            from: chosen.entropyFrom,
            // As published, of 0.02: min(0.02, max(0.002, 0.02 (1 − step / steps))).
            weight: (done: number) =>
              chosen.entropyWeight * Math.max(chosen.finalEntropyFraction, 1 - done),
          },
    advantages: (given) =>
      // Those not chosen do not count in the mean.
      weightsOf(given, chosen).map((row) =>
        row.map((weight) => (weight > 0 ? weight : Number.NaN)),
      ),
    // ω ‖ε − ε_θ(√ᾱ_t x_0 + √(1−ᾱ_t) ε, t, c)‖², ω ≥ 0
    loss: ({ error, advantages }) => ({
      loss: weightedDenoising({ error, weights: advantages, reduction: 'none' }),
      measures: { denoising_error: error },
    }),
  }),
  problems: ({ entropyFrom, entropyWeight }) =>
    entropyFrom === 'noise' && entropyWeight > MOST_NOISE
      ? [
          `algorithm.qvpo.entropyWeight is ${String(entropyWeight)} with algorithm.qvpo.entropyFrom: noise: pictures of noise would be learnt; ${String(MOST_NOISE)} is the most, or take entropyFrom: base`,
        ]
      : [],
  warnings: ({ weights, beta, chosen }, { k }) => [
    ...(weights === 'advantage' && beta !== 1
      ? [
          `algorithm.qvpo.beta is ${String(beta)}, which only algorithm.qvpo.weights: exponential reads`,
        ]
      : []),
    ...(typeof chosen === 'number' && chosen > k
      ? [
          `algorithm.qvpo.chosen is ${String(chosen)}, but a prompt has ${String(k)} images: all are chosen`,
        ]
      : []),
  ],
});

/** Published for actions, whose uniform distribution is no nonsense: 0.02 falling to 0.002. */
const MOST_NOISE = 0.01;

function weightsOf(
  { rewards, mask }: GroupedRewards,
  { weights, beta, chosen }: Settings,
): number[][] {
  return weights === 'advantage'
    ? positiveAdvantages(rewards, { chosen }, mask)
    : exponentialWeights(rewards, { beta, chosen }, mask);
}
