import { leaveOneOut } from '@loop-diffusion/advantage-estimators';
import { reinforce } from '@loop-diffusion/ppo-objective';

import { defineMethod } from './method';

/** REINFORCE with leave-one-out baselines (Kool et al. 2019; RLOO, arXiv 2402.14740). */
export const rloo = defineMethod({
  name: 'rloo',
  objective: () => ({
    learnsFrom: 'trajectories',
    withinPrompts: true,
    reuse: 'once',
    // A_i = r_i − Σ_{j≠i} r_j / (k − 1)
    advantages: ({ rewards, mask }) => leaveOneOut(rewards, mask),
    // −A log p_θ
    loss: ({ logProb, advantages }) => reinforce({ logProb, advantages, reduction: 'none' }),
  }),
});
