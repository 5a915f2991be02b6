/** This user's cache is where native-tensorflow has it, whose index keeps that to itself. */
/* eslint-disable-next-line @nx/enforce-module-boundaries -- see above */
export { cacheFolder } from '../../packages/native-tensorflow/src/cache';
