/** What may be told of a run while it goes on. */
import type { Image } from '@loop-diffusion/rewards';

import type { CutOffPrompts } from '../prompts/cut-off-prompts';
import type { EvaluationRecord, IterationRecord, RunSummary } from '../run-folder/records';

/** Images and the prompts that they were drawn for, one each. */
export interface DrawnImages {
  readonly images: readonly Image[];
  readonly prompts: readonly string[];
}

/** What a sink returns to end the run: its last evaluation is still made, and what was learnt is kept. */
export interface StopRequest {
  /** The reason, for the summary and the person who watches. */
  readonly stop: string;
}

// A method that returns nothing is a sink's usual one.
// eslint-disable-next-line @typescript-eslint/no-invalid-void-type
type Answer = StopRequest | undefined | void;

/**
 * One receiver of a run's reports. Every method may be left out. The run waits for each; what one throws ends the run, with a
 * checkpoint of the iterations that were done.
 */
export interface RunSink {
  /**
   * After an iteration.
   *
   * @param drawn gives the iteration's images, in the order of `record.rewards`; ask only where they are needed, for they pass
   *   the run's picture check on the way
   */
  iteration?(record: IterationRecord, drawn: () => Promise<DrawnImages>): Answer | Promise<Answer>;
  /** @param iteration iterations that were done before it, 0 for none */
  evaluation?(record: EvaluationRecord, iteration: number): Answer | Promise<Answer>;
  /** Images of the same prompts from the same noise each time; the first grid of a run is what later ones are compared with. */
  sampleGrid?(name: string, drawn: DrawnImages, iteration: number): void | Promise<void>;
  /** Before all else, where the model reads the beginning of some prompts only. */
  promptsCutOff?(found: CutOffPrompts): void;
  /** Often. @param fraction of the phase that is done, in [0, 1] */
  phase?(name: string, fraction: number): void;
  /** The run came to its end; not called for one that failed. */
  finish?(summary: RunSummary): void | Promise<void>;
  /** The last call, also after a failure. */
  close?(): void;
}
