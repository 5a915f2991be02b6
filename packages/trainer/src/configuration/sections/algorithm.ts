/** How the policy learns from rewards. */
import { z } from 'zod';

import { MANY, numberAbove, oneOf, realNumber, wholeNumber } from '../fields';
import { LARGEST_BATCH } from './sampling';

export const ALGORITHM_NAMES = ['loop', 'ppo', 'rloo', 'reinforce'] as const;
export type AlgorithmName = (typeof ALGORITHM_NAMES)[number];

/** Only a clipped objective can use samples that the policy has moved away from. */
export function isClipped(name: AlgorithmName): boolean {
  return name === 'loop' || name === 'ppo';
}

export const algorithm = z
  .strictObject({
    name: oneOf(ALGORITHM_NAMES, 'the objective').default('loop'),
    k: wholeNumber(
      1,
      LARGEST_BATCH,
      'samples per prompt; every algorithm but reinforce compares them and needs at least 2',
    ).default(4),
    innerUpdates: wholeNumber(
      1,
      MANY,
      'optimizer steps per iteration, a multiple of innerEpochs; left out: 2 an inner epoch for loop and ppo, 1 for rloo and reinforce',
    ).optional(),
    innerEpochs: wholeNumber(
      1,
      MANY,
      'times that every image of an iteration is learnt from',
    ).default(1),
    clipRange: z
      .union([z.literal('auto'), z.number().gt(0).lt(1)])
      .meta({
        expected: 'auto or a number above 0 and below 1',
        description:
          'how far a ratio may leave 1 before its gradient stops; auto is 0.0128 / √(numbers in a latent)',
      })
      .default('auto'),
    advantageClip: numberAbove(0, Infinity, 'largest size of an advantage; null for no limit')
      .nullable()
      .default(null),
    klWeight: realNumber(
      0,
      Infinity,
      'weight of the divergence from the base model in the loss',
    ).default(0),
    timesteps: z
      .strictObject({
        from: wholeNumber(
          0,
          999,
          'first trained denoise step, counted from 0 at the noisiest',
        ).default(0),
        to: wholeNumber(
          -999,
          1000,
          'end of the trained denoise steps, itself left out; a negative number counts from the last step',
        ).default(-2),
        count: wholeNumber(
          1,
          1000,
          'of these steps so many, drawn anew each iteration: unbiased, with more variance and less arithmetic; null for all',
        )
          .nullable()
          .default(null),
      })
      .meta({ description: 'which denoise steps are trained' })
      .prefault({}),
  })
  .meta({
    description: 'how the policy learns from rewards',
    // For editors; `checkCombinations` says it in words.
    if: { required: ['name'], properties: { name: { const: 'reinforce' } } },
    else: { properties: { k: { type: 'integer', minimum: 2 } } },
  })
  .prefault({});
