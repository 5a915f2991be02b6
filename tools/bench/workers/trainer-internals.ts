/** Parts of the trainer that its index keeps to itself: the benchmark measures the code that trains, not a copy of it. */
/* eslint-disable @nx/enforce-module-boundaries -- see above */
export { backendOptions } from '../../../packages/trainer/src/backend-options';
export { runIteration } from '../../../packages/trainer/src/loop';
export { createPhaseClock } from '../../../packages/trainer/src/phase-clock';
export { prepareRun } from '../../../packages/trainer/src/prepare-run';
export { cutRows, joinRows } from '../../../packages/trainer/src/rows';
export { trainableVariables } from '../../../packages/trainer/src/trainable-variables';
