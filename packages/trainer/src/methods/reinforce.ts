import { noBaseline } from '@loop-diffusion/advantage-estimators';
import { reinforce as scoreFunction } from '@loop-diffusion/ppo-objective';

import { defineMethod } from './method';

/** The score-function estimator without a baseline (Williams 1992). */
export const reinforce = defineMethod({
  name: 'reinforce',
  objective: () => ({
    learnsFrom: 'trajectories',
    withinPrompts: false,
    smallestGroup: 1,
    reuse: 'once',
    // A_i = r_i
    advantages: ({ rewards, mask }) => noBaseline(rewards, mask),
    // −A log p_θ
    loss: ({ logProb, advantages }) => scoreFunction({ logProb, advantages, reduction: 'none' }),
  }),
});
