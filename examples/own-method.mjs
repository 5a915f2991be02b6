/**
 * A method of one's own: GRPO, which divides by the deviation of a prompt's rewards. Programs pass it as `algorithm.name`; a
 * configuration file or a command line names it
 *
 *   npx loop-diffusion train --set algorithm.name=./examples/own-method.mjs#myGrpo --set algorithm.innerUpdates=2
 *
 * with two updates on the same images, of which the second is where the clip can act.
 */
import { groupMean } from '@loop-diffusion/advantage-estimators';
import { clippedSurrogate } from '@loop-diffusion/ppo-objective';
import { defineMethod } from '@loop-diffusion/trainer';

export const myGrpo = defineMethod({
  name: 'my-grpo',
  objective: () => ({
    learnsFrom: 'trajectories',
    // Rewards are compared with those of the same prompt; samples may be reused, for the loss is flat beyond the clip range.
    withinPrompts: true,
    reuse: 'clipped',
    // A = (r − mean) / (std + 1e-4), a row of k for each prompt
    advantages: ({ rewards, mask }) => groupMean(rewards, { std: 'population' }, mask),
    // max(−A ρ, −A clip(ρ, 1−ε, 1+ε)), one for each pair of image and denoise step
    loss: ({ logProb, oldLogProb, advantages }, { clipRange }) =>
      clippedSurrogate({ logProb, oldLogProb, advantages, clipRange, reduction: 'none' }),
  }),
});
