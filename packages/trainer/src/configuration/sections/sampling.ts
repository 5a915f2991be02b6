/** How much is drawn at a time, and how. */
import { z } from 'zod';

import { MANY, realNumber, oneOf, wholeNumber } from '../../fields';

/** Far above what any Stable Diffusion draws. */
export const LARGEST_IMAGE_SIDE = 8192;

/** More prompts, or images of one, than memory could hold the trajectories of. */
export const LARGEST_BATCH = 65_536;

const imageSide = (what: string) =>
  wholeNumber(8, LARGEST_IMAGE_SIDE, `${what} in pixels; null for the model's own`);

export const guidance = realNumber(0, 100, 'classifier-free guidance scale; 1 is none');

export const memory = z
  .strictObject({
    textEncoders: oneOf(
      ['keep', 'release'],
      'release encodes all prompts before the first iteration and frees the text encoders',
    ).default('keep'),
    frozenWeights: oneOf(
      ['float32', 'bfloat16'],
      'how the weights of layers that are not trained are kept; bfloat16 rounds them to 8 bits, in half the memory',
    ).default('float32'),
    vaeTiles: z
      .boolean()
      .meta({
        expected: 'true or false',
        description:
          'images are decoded in tiles that fade into each other: less memory, and colours may differ a little from tile to tile',
      })
      .default(false),
  })
  .meta({ description: 'what is done for less memory, besides gradientCheckpointing' })
  .prefault({});

export const batch = z
  .strictObject({
    prompts: wholeNumber(
      1,
      LARGEST_BATCH,
      'prompts per iteration, each sampled algorithm.k times',
    ).default(16),
    rollout: wholeNumber(
      1,
      MANY,
      'images per call of the policy while sampling; changes speed and memory, not results',
    ).default(64),
    update: wholeNumber(
      1,
      MANY,
      'pairs of sample and denoise step per gradient call; changes speed and memory',
    ).default(64),
  })
  .meta({ description: 'how much at a time' })
  .prefault({});

export const sampler = z
  .strictObject({
    steps: wholeNumber(1, 1000, 'denoise steps per image').default(10),
    eta: realNumber(
      0,
      1,
      'randomness of a denoise step; 1 is full, and 0 leaves nothing to learn from but for methods that learn from the images alone',
    ).default(1),
    guidance: guidance.default(1),
    window: z
      .strictObject({
        size: wholeNumber(1, 1000, 'denoise steps with randomness').default(4),
        stride: wholeNumber(1, 1000, 'steps that the window moves by').default(1),
        every: wholeNumber(1, MANY, 'iterations between two moves').default(25),
        order: oneOf(
          ['sliding', 'random', 'fixed'],
          'sliding goes from the noisiest steps to the last and begins again, random draws a place, fixed stays at the noisiest',
        ).default('sliding'),
      })
      .nullable()
      .meta({
        expected: 'null or {size, stride, every, order}',
        description:
          'randomness in a few of the trained denoise steps only, which alone are trained then, and none in the others (MixGRPO); null for randomness in all',
      })
      .default(null),
    sharedNoise: z
      .boolean()
      .meta({
        expected: 'true or false',
        description: 'whether the images of a prompt begin from the same noise',
      })
      .default(false),
    height: imageSide('height of the images').nullable().default(null),
    width: imageSide('width of the images').nullable().default(null),
  })
  .meta({ description: 'how images are drawn in training' })
  .prefault({});
