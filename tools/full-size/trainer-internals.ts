/** Parts of the trainer that its index keeps to itself: what is measured is the code that runs, not a copy of it. */
/* eslint-disable @nx/enforce-module-boundaries -- see above */
export { resolveConfig } from '../../packages/trainer/src/configuration/resolve-config';
export { decodeImages } from '../../packages/trainer/src/decode';
export { evaluationNoise } from '../../packages/trainer/src/draw-images';
export { latentShape } from '../../packages/trainer/src/latent-shape';
export { runIteration } from '../../packages/trainer/src/loop';
export { openModel } from '../../packages/trainer/src/open-model';
export { createPhaseClock } from '../../packages/trainer/src/phase-clock';
export { prepareRun } from '../../packages/trainer/src/prepare-run';
export { sampleTrajectories } from '../../packages/trainer/src/rollout';
export { createTextSource } from '../../packages/trainer/src/text-source';
