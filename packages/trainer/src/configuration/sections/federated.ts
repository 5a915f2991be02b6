/** Several clients with prompts of their own, in the place of one that has all. */
import { z } from 'zod';

import { MANY, numberAbove, realNumber, text, wholeNumber } from '../../fields';
import { rewardList } from './rewards';

const client = z.strictObject({
  name: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/)
    .meta({
      expected: 'letters, digits, - and _, at most 64',
      description: 'name of the client in records, and of the folder of its adapter',
    }),
  prompts: text(
    'a text file with a prompt a line, which the client alone is trained on',
  ).optional(),
  family: text("in the place of prompts: the run's prompts of this family").optional(),
  rewards: rewardList.optional(),
});

export const federated = z
  .strictObject({
    clients: z.array(client).min(1).max(256).meta({
      expected: 'a list of 1 to 256 {name, prompts or family, rewards}',
      description: 'who trains, each on prompts of its own',
    }),
    localIterations: wholeNumber(1, MANY, 'iterations of a client in a round').default(2),
    sampleRate: numberAbove(0, 1, 'part of the clients that a round has, at least one').default(1),
    layers: z
      .union([
        z.enum(['all', 'none']),
        z.number().gt(0).max(1),
        z.array(text('module name')).min(1),
      ])
      .meta({
        expected:
          'all, none, a number above 0 and up to 1, or a list with at least one module name',
        description:
          'adapted modules that clients share: a part of all, those that tell prompts apart the least, or a list by the ends of their names; the others stay each its own',
      })
      .default('all'),
    personal: z
      .boolean()
      .meta({
        expected: 'true or false',
        description:
          'whether modules that are not shared are trained, too, by each client for itself',
      })
      .default(true),
    serverLearningRate: realNumber(
      0,
      Infinity,
      "how far the server's step goes beyond the mean of the clients at the start; 0 for the mean alone",
    ).default(0.05),
    serverMomentum: z
      .number()
      .min(0)
      .lt(1)
      .meta({ expected: 'a number from 0 to below 1', description: "of the server's steps" })
      .default(0.9),
  })
  .nullable()
  .meta({
    expected: 'null or {clients, localIterations, sampleRate, layers, personal, …}',
    description:
      'several clients that train in turns and share what they learn, not their prompts (FedPepTAO); null for one',
  })
  .default(null);
