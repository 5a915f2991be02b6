/** Parts of the trainer that its index keeps to itself: the benchmark measures the code that trains, not a copy of it. */
/* eslint-disable @nx/enforce-module-boundaries -- see above */
export { backendOptions } from '../../../packages/trainer/src/configuration/backend-options';
export { runIteration } from '../../../packages/trainer/src/run/iteration';
export { createPhaseClock } from '../../../packages/trainer/src/run/phase-clock';
export { openRun } from '../../../packages/trainer/src/run/open-run';
export { createCompute } from '../../../packages/trainer/src/policy/compute';
export { decodeImages } from '../../../packages/trainer/src/policy/decode';
export { cutRows, joinRows } from '../../../packages/trainer/src/policy/rows';
export { trainableVariables } from '../../../packages/trainer/src/learning/trainable-variables';
