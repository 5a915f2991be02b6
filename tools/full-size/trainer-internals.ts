/** Parts of the trainer that its index keeps to itself: what is measured is the code that runs, not a copy of it. */
/* eslint-disable @nx/enforce-module-boundaries -- see above */
export { resolveConfig } from '../../packages/trainer/src/configuration/resolve-config';
export { createCompute } from '../../packages/trainer/src/policy/compute';
export { decodeImages } from '../../packages/trainer/src/policy/decode';
export { evaluationNoise } from '../../packages/trainer/src/policy/draw-images';
export { latentShape } from '../../packages/trainer/src/policy/latent-shape';
export { runIteration } from '../../packages/trainer/src/run/iteration';
export { openModel } from '../../packages/trainer/src/weights/open-model';
export { startBackend } from '../../packages/trainer/src/weights/start-backend';
export { createPhaseClock } from '../../packages/trainer/src/run/phase-clock';
export { openRun } from '../../packages/trainer/src/run/open-run';
export { sampleTrajectories } from '../../packages/trainer/src/policy/rollout';
export { createTextSource } from '../../packages/trainer/src/policy/text-source';
