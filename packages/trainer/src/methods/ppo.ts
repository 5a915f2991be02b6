import { createPerPromptStatistics } from '@loop-diffusion/advantage-estimators';
import { z } from 'zod';

import { defineMethod, type RememberedAdvantages } from './method';
import { surrogate } from './surrogate';

/** DDPO with PPO's objective (arXiv 2305.13301), as ddpo-pytorch and TRL have it. */
export const ppo = defineMethod({
  name: 'ppo',
  objective: () => ({
    learnsFrom: 'trajectories',
    withinPrompts: false,
    smallestGroup: 1,
    reuse: 'clipped',
    advantages: perPromptStatistics(),
    // max(−A ρ, −A clip(ρ, 1−ε, 1+ε))
    loss: surrogate,
  }),
});

/** As ddpo-pytorch and TRL set them. */
const OPTIONS = { bufferSize: 32, minCount: 16 };

const stateSchema = z.object({ prompts: z.array(z.tuple([z.string(), z.array(z.number())])) });

/** A = (r − mean) / std of the rewards that a prompt had lately, or of the batch while they are few. */
function perPromptStatistics(): RememberedAdvantages {
  let statistics = createPerPromptStatistics(OPTIONS);
  return {
    estimate: ({ prompts, rewards, mask }) => statistics.advantages(prompts, rewards, mask),
    state: () => statistics.toJSON(),
    restore(state) {
      statistics = createPerPromptStatistics(OPTIONS, stateSchema.parse(state));
    },
  };
}
