/** What an iteration costs, in passes of the UNet over one latent. */
import type { IterationRecord } from '../run-folder/records';

export interface WorkOfIteration {
  /** Images that were drawn with the UNet. */
  readonly images: number;
  readonly denoiseSteps: number;
  /** Rows that a gradient was taken of. */
  readonly rows: number;
  /** Other answers that each row was compared with: the base model's, the average's. */
  readonly comparisons: number;
  /** Whether each pass is two, with the prompt and without it. */
  readonly guided: boolean;
}

export function unetPasses(work: WorkOfIteration): NonNullable<IterationRecord['passes']> {
  const { images, denoiseSteps, rows, comparisons } = work;
  const each = work.guided ? 2 : 1;
  return {
    forward: each * (images * denoiseSteps + rows * comparisons),
    gradient: each * rows,
  };
}
