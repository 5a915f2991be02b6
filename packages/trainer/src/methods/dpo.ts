import type { z } from 'zod';

import { defineMethod } from './method';
import { preferenceObjective, preferenceProblems, preferenceSettings } from './preference';

const settings = preferenceSettings(0);

/** Diffusion-DPO (arXiv 2311.12908) on the best and the worst of a prompt's own samples. */
export const dpo = defineMethod({
  name: 'dpo',
  settings,
  objective: (chosen: z.output<typeof settings>) => preferenceObjective(chosen),
  problems: (chosen, { advantageClip }) => preferenceProblems('dpo', chosen, advantageClip),
});
