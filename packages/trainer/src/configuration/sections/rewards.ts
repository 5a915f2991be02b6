/** What is rewarded. */
import { z } from 'zod';

import { oneOf, text } from '../../fields';

/** Without a default. */
export const rewardList = z
  .array(
    z.strictObject({
      name: text('name of a reward, or module#export of one of your own'),
      label: text("name in logs; left out: the reward's own").optional(),
      weight: z
        .number()
        .meta({
          expected: 'a number',
          description: 'factor of the reward in the sum; 0 to watch it without training on it',
        })
        .default(1),
      policy: oneOf(
        ['mask', 'optional', 'required'],
        'what a failure does: mask leaves the image out, optional leaves the reward out for all images of the prompt, required ends the run',
      ).default('mask'),
      scale: z
        .union([
          z.enum(['none', 'running-z-score', 'group-z-score']),
          z.strictObject({ factor: z.number().default(1), offset: z.number().default(0) }),
        ])
        .meta({
          expected: 'none, running-z-score, group-z-score or {factor, offset}',
          description:
            'what is done to values before they are weighted; z-scores are over the run so far or over the images of a prompt',
        })
        .default('none'),
      settings: z
        .record(z.string(), z.unknown())
        .meta({
          expected: "the reward's own settings, such as {model: …}",
          description: "the reward's own settings",
        })
        .default({}),
    }),
  )
  .min(1)
  .meta({
    expected: 'a list with at least one {name, weight}',
    description: 'what is rewarded: a weighted sum',
  });

export const rewards = rewardList.default([
  { name: 'shapes', weight: 1, policy: 'mask', scale: 'none', settings: {} },
]);
