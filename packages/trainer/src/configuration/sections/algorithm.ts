/** How the policy learns from rewards. */
import { z } from 'zod';

import { MANY, numberAbove, oneOf, realNumber, wholeNumber } from '../../fields';
import { METHOD_NAMES, METHODS } from '../../methods';
import type { Method, NoSettings } from '../../methods/method';
import { LARGEST_BATCH } from './sampling';

type AnyMethod = (typeof METHODS)[number];
type SettingsOf<M> = M extends { settings?: z.ZodType<infer Settings> | undefined }
  ? Settings
  : never;

/** A section for each method that has settings, to be left out. */
type MethodSections = {
  [M in AnyMethod as SettingsOf<M> extends NoSettings ? never : M['name']]: z.ZodOptional<
    NonNullable<M['settings']>
  >;
};

const methodSections = Object.fromEntries(
  METHODS.flatMap(({ name, settings }) =>
    settings === undefined
      ? []
      : [[name, settings.meta({ description: `settings of ${name}` }).optional()]],
  ),
) as MethodSections;

/** Methods that compare the samples of a prompt by default. */
const COMPARING = METHODS.filter((method: Method<unknown, unknown>) => {
  const { smallestGroup } = method.objective(method.settings?.parse({}) ?? {});
  return smallestGroup !== 1;
}).map(({ name }) => name);

/** A bare word is a misspelt name rather than a module. */
const MODULE = /[#/.@:\\]/;

const sampleDropout = z
  .strictObject({
    delta: z
      .union([z.literal('auto'), z.number().gt(0)])
      .meta({
        expected: 'auto or a number above 0',
        description:
          'rows whose ratio differs from 1 by so much or more are left out; auto is 2.5 clip ranges',
      })
      .default('auto'),
    side: oneOf(
      ['both', 'upper', 'lower'],
      'ratios that are too large, too small, or either',
    ).default('both'),
  })
  .nullable()
  .meta({
    expected: 'null or {delta, side}',
    description:
      'leaves rows whose ratio has left 1 too far out of the mean (Sample Dropout), for methods that reuse stored log-probabilities; null for none',
  })
  .default(null);

export const algorithm = z
  .strictObject({
    name: z
      .union([z.enum(METHOD_NAMES), z.string().regex(MODULE)])
      .meta({
        expected: `one of ${METHOD_NAMES.join(', ')}, or module#export`,
        description: 'the method, or the place of one of your own: ./file.mjs#export',
      })
      .default('loop'),
    settings: z
      .record(z.string(), z.unknown())
      .meta({
        expected: "the method's own settings, such as {strength: 2}",
        description: 'settings of a method of your own; the others have sections by their names',
      })
      .default({}),
    k: wholeNumber(
      1,
      LARGEST_BATCH,
      'samples per prompt; most methods compare them and need at least 2',
    ).default(4),
    innerUpdates: wholeNumber(
      1,
      MANY,
      'optimizer steps per iteration, a multiple of innerEpochs; left out: 1 an inner epoch where samples are of use once (rloo, reinforce) and for methods of your own, 2 for all others',
    ).optional(),
    innerEpochs: wholeNumber(
      1,
      MANY,
      'times that every image of an iteration is learnt from',
    ).default(1),
    clipRange: z
      .union([z.enum(['auto', 'none']), z.number().gt(0).lt(1)])
      .meta({
        expected: 'auto, none or a number above 0 and below 1',
        description:
          'how far a ratio may leave 1 before its gradient stops; auto is 0.0128 / √(numbers in a latent), none is no clip',
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
    klTarget: numberAbove(
      0,
      Infinity,
      'divergence that klWeight is doubled above and halved below, each iteration; null leaves klWeight as it is',
    )
      .nullable()
      .default(null),
    klInReward: realNumber(
      0,
      Infinity,
      'factor of the divergence from the base model, a mean over the trained steps, that is taken off every reward',
    ).default(0),
    sftWeight: realNumber(
      0,
      Infinity,
      "weight of imitating the best image of each prompt, beside the method's own loss (RPO's regulariser)",
    ).default(0),
    draws: wholeNumber(
      1,
      1000,
      'times that an image is noised anew for a loss of denoising, each at a timestep of its own',
    ).default(8),
    sampleDropout,
    emphasis: oneOf(
      ['none', 'trajectory', 'ace'],
      "for optimizer.name: storm, how a step counts beside its own ratio: trajectory by the ratios of the steps before it, ace by VOMPS's emphasis; one pass more per row",
    ).default('none'),
    emphasisLambda: realNumber(0, 1, 'of emphasis: ace; 0 is none').default(0.5),
    stopDeviation: numberAbove(
      0,
      Infinity,
      "mean |ratio − 1| from which on the rest of an iteration's updates is left out; null for no limit",
    )
      .nullable()
      .default(null),
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
    ...methodSections,
  })
  .meta({
    description: 'how the policy learns from rewards',
    // For editors; `methodProblems` says it in words, also of settings that change it.
    if: { properties: { name: { enum: COMPARING } } },
    then: { properties: { k: { type: 'integer', minimum: 2 } } },
  })
  .prefault({});
