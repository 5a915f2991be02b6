/** Where a run's reports go. */
import type { Image } from '@loop-diffusion/rewards';

import type { EvaluationRecord, IterationRecord, RunSummary } from '../run-folder/records';

export interface RunRecorder {
  iteration(record: IterationRecord): void;
  evaluation(record: EvaluationRecord): Promise<void>;
  /** The first grid of a run is what the later ones are set beside: the same prompts and noise each time. */
  sampleGrid(name: string, images: readonly Image[], prompts: readonly string[]): Promise<void>;
  /** @param fraction of the phase that is done, in [0, 1] */
  phase(name: string, fraction: number): void;
  finish(summary: RunSummary): Promise<void>;
  /** Ends the live line and closes the event file. Safe to call twice. */
  close(): void;
}
