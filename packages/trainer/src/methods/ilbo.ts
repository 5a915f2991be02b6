import { aboveMinimum } from '@loop-diffusion/advantage-estimators';
import { lowerBoundObjective } from '@loop-diffusion/ppo-objective';
import { z } from 'zod';

import { oneOf } from '../fields';
import { UserError } from '../user-error';
import { defineMethod, type GroupedRewards } from './method';

const settings = z.strictObject({
  shift: oneOf(
    ['group-min', 'none'],
    'what makes rewards non-negative, as the bound needs: group-min subtracts the smallest of the prompt, none takes them as they are',
  ).default('group-min'),
});
type Settings = z.output<typeof settings>;

/**
 * ILBO, iterative lower-bound optimisation (arXiv 2203.12679): E_old[R (1 + log p_θ − log p_old)] bounds the expected reward
 * from below for R ≥ 0, and touches it where the samples come from.
 */
export const ilbo = defineMethod({
  name: 'ilbo',
  settings,
  objective: ({ shift }: Settings) => ({
    learnsFrom: 'trajectories',
    withinPrompts: shift === 'group-min',
    smallestGroup: shift === 'group-min' ? 2 : 1,
    reuse: 'bounded',
    advantages:
      shift === 'group-min' ? ({ rewards, mask }) => aboveMinimum(rewards, mask) : asGiven,
    // −R (log p_θ − log p_old)
    loss: ({ logProb, oldLogProb, advantages }) =>
      lowerBoundObjective({ logProb, oldLogProb, rewards: advantages, reduction: 'none' }),
  }),
  problems: ({ shift }, { klInReward }) =>
    shift === 'none' && klInReward > 0
      ? [
          'algorithm.klInReward may take a reward below 0, where the bound of ilbo holds no more; set algorithm.ilbo.shift=group-min',
        ]
      : [],
});

function asGiven({ rewards }: GroupedRewards): number[][] {
  const negative = rewards.flat().find((reward) => reward < 0);
  if (negative !== undefined) {
    throw new UserError(
      `A reward is ${String(negative)}, but the bound of ilbo holds for rewards of at least 0 alone; set algorithm.ilbo.shift=group-min, or give the reward an offset`,
    );
  }
  return rewards.map((row) => [...row]);
}
