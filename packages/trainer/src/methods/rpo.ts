import type { z } from 'zod';

import { defineMethod } from './method';
import { preferenceObjective, preferenceProblems, preferenceSettings } from './preference';

const settings = preferenceSettings('auto');

/** RPO, regularised preference optimisation (arXiv 2405.16436): DPO and the imitation of the better image. */
export const rpo = defineMethod({
  name: 'rpo',
  settings,
  objective: (chosen: z.output<typeof settings>) => preferenceObjective(chosen),
  problems: (chosen, { advantageClip }) => preferenceProblems('rpo', chosen, advantageClip),
});
