import type { z } from 'zod';

import { defineMethod } from './method';
import { preferenceObjective, preferenceProblems, preferenceSettings } from './preference';

/** 0.01 β / 4 at β = 5000: a hundredth of the slope of the preference where training begins. */
const SFT_WEIGHT = 12.5;

const settings = preferenceSettings(SFT_WEIGHT);

/** RPO, regularised preference optimisation (arXiv 2405.16436): DPO and the imitation of the better image. */
export const rpo = defineMethod({
  name: 'rpo',
  settings,
  objective: (chosen: z.output<typeof settings>) => preferenceObjective(chosen),
  problems: (chosen) => preferenceProblems('rpo', chosen),
});
