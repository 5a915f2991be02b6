/** Where a run's reports go. */
import type { Image } from '@loop-diffusion/rewards';

import type { EvaluationRecord, IterationRecord, RunSummary } from '../run-folder/records';

/** Images and the prompts that they were drawn for, one each. */
export interface DrawnImages {
  readonly images: readonly Image[];
  readonly prompts: readonly string[];
}

export interface RunRecorder {
  /** @param drawn gives the iteration's images, in the order of the record's rewards; called where they raise an alert */
  iteration(record: IterationRecord, drawn?: () => Promise<DrawnImages>): Promise<void>;
  evaluation(record: EvaluationRecord): Promise<void>;
  /** The first grid of a run is what the later ones are set beside: the same prompts and noise each time. */
  sampleGrid(name: string, images: readonly Image[], prompts: readonly string[]): Promise<void>;
  /** @param fraction of the phase that is done, in [0, 1] */
  phase(name: string, fraction: number): void;
  finish(summary: RunSummary): Promise<void>;
  /** Ends the live line and closes the event file. Safe to call twice. */
  close(): void;
}
