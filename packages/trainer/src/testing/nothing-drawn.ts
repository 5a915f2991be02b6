import type { DrawnImages } from '../tracking/sink';

/** For reports of whose images nothing is asked. */
export const nothingDrawn = (): Promise<DrawnImages> =>
  Promise.resolve({ images: [], prompts: [] });
