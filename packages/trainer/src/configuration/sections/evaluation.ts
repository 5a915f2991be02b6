/** What is drawn from prompts that are set aside, to measure and to look at. */
import { z } from 'zod';

import { MANY, realNumber, text, wholeNumber } from '../../fields';
import { guidance } from './sampling';

export const evaluate = z
  .strictObject({
    images: z
      .union([z.literal(0), z.number().int().min(2)])
      .meta({
        expected: 'a whole number of at least 2, or 0 for no evaluation',
        description: 'images per evaluation, on the same prompts and noise each time',
      })
      .default(256),
    every: wholeNumber(
      0,
      MANY,
      'iterations between evaluations; 0 for before and after only',
    ).default(0),
    prompts: text(
      'shapes for the embedded held-out prompts, or a text file; left out: shapes, or a part of the file of prompts',
    ).optional(),
    heldOutFraction: z
      .number()
      .min(0)
      .lt(1)
      .meta({
        expected: 'a number from 0 to below 1',
        description:
          'where evaluate.prompts is the file of prompts: how much of it is set aside and not trained on, at least 8 prompts; with 0, and where fewer than 8 would be left, training prompts are evaluated',
      })
      .default(0.1),
    steps: wholeNumber(1, 1000, 'denoise steps per image; null for sampler.steps')
      .nullable()
      .default(null),
    eta: realNumber(0, 1, 'randomness of a denoise step; null for sampler.eta')
      .nullable()
      .default(null),
    guidance: realNumber(0, 100, 'guidance scale; null for sampler.guidance')
      .nullable()
      .default(null),
    guidances: z
      .array(guidance)
      .meta({
        expected: 'a list of guidance scales',
        description:
          'guidance scales among which, with the one above, the best is found for the model before and for the result, by half as many images of training prompts; each is then evaluated at its best, too; an empty list for none of this',
      })
      .default([1.5, 2, 3]),
  })
  .meta({ description: 'rewards of prompts that are not trained on, before, on the way and after' })
  .prefault({});

export const samples = z
  .strictObject({
    every: wholeNumber(
      0,
      MANY,
      'iterations between sample grids; 0 for the first and last only',
    ).default(25),
    count: wholeNumber(0, 64, 'images of a sample grid; 0 for none').default(16),
    safety: realNumber(
      0,
      1,
      'least probability that a picture is safe for work, by nsfwjs, for the run to write it, here and for alerts; a grey one takes its place; null for no limit',
    )
      .nullable()
      .default(null),
  })
  .meta({ description: 'pictures of the same prompts and noise, to look at' })
  .prefault({});
