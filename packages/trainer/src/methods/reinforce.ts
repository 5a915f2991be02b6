import { leaveOneOut, noBaseline } from '@loop-diffusion/advantage-estimators';
import { reinforce as scoreFunction } from '@loop-diffusion/ppo-objective';
import { z } from 'zod';

import { oneOf } from '../fields';
import { defineMethod, type Advantages } from './method';

const settings = z.strictObject({
  baseline: oneOf(
    ['none', 'batch'],
    "what is taken off a reward; batch is the mean of the iteration's other images, whatever their prompts",
  ).default('none'),
});
type Settings = z.output<typeof settings>;

/** The score-function estimator (Williams 1992), without a baseline or with one. */
export const reinforce = defineMethod({
  name: 'reinforce',
  settings,
  objective: ({ baseline }: Settings) => ({
    learnsFrom: 'trajectories',
    withinPrompts: false,
    smallestGroup: 1,
    reuse: 'once',
    advantages: baseline === 'none' ? withoutBaseline : overBatch,
    // −A log p_θ
    loss: ({ logProb, advantages }) => scoreFunction({ logProb, advantages, reduction: 'none' }),
  }),
  problems: ({ baseline }, { images }) =>
    baseline === 'batch' && images < 2
      ? [
          "algorithm.reinforce.baseline: batch compares with the iteration's other images, but it has one image; raise batch.prompts or algorithm.k",
        ]
      : [],
});

/** A_i = r_i */
const withoutBaseline: Advantages = ({ rewards, mask }) => noBaseline(rewards, mask);

/** A_i = r_i − Σ_{j≠i} r_j / (n − 1) over all n images: its own reward left out, a baseline leaves the gradient unbiased. */
const overBatch: Advantages = ({ rewards, mask }) => {
  const [all = []] = leaveOneOut([rewards.flat()], [mask.flat()]);
  const starts = rewards.map((_, prompt) => rewards.slice(0, prompt).flat().length);
  return rewards.map((row, prompt) =>
    all.slice(starts[prompt], (starts[prompt] ?? 0) + row.length),
  );
};
