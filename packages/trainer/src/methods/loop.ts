import { leaveOneOut } from '@loop-diffusion/advantage-estimators';

import { defineMethod } from './method';
import { surrogate } from './surrogate';

/** LOOP, leave-one-out PPO (arXiv 2503.00897). */
export const loop = defineMethod({
  name: 'loop',
  objective: () => ({
    learnsFrom: 'trajectories',
    withinPrompts: true,
    reuse: 'clipped',
    // A_i = r_i − Σ_{j≠i} r_j / (k − 1), the same at every denoise step
    advantages: ({ rewards, mask }) => leaveOneOut(rewards, mask),
    // max(−A ρ, −A clip(ρ, 1−ε, 1+ε))
    loss: surrogate,
  }),
});
