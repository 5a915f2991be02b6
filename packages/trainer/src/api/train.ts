/** Fine-tuning from code: prompts and rewards in, figures and weights out. */
import type { RunSummary } from '../run-folder/records';
import { train as runLoop } from '../run/loop';
import { processOutput, type Output } from '../terminal/output';
import { createRecorder, type RunRecorder } from '../tracking/recorder';
import type { RunSink } from '../tracking/sink';
import { writeTrainedFile } from '../weights/trained-file';
import { nameObjects } from './named-objects';
import type { TrainOptions } from './options';
import { trainInFolder } from './train-in-folder';

export interface TrainResult {
  readonly summary: RunSummary;
  /**
   * What was trained, as a safetensors file: the adapter as diffusers' `load_lora_weights` reads it, or with `lora: null` the
   * UNet. A file in `adapter/` or `unet/` of the run's folder, where it has one, holds the same bytes.
   */
  readonly weights: Uint8Array;
}

/**
 * Fine-tunes a model on rewards.
 *
 * @returns when the last evaluation is made, or the run was ended before by its signal or a sink
 * @throws UserError that says what is wrong with the options, the model, the prompts or a reward
 * @throws what went wrong in the run; one with a folder leaves a checkpoint of the iterations that were done
 */
export async function train(options: TrainOptions): Promise<TrainResult> {
  const { signal = new AbortController().signal, onIteration, onEvaluation, ...rest } = options;
  const { sinks: own = [], ...settings } = rest;
  const { config, given } = nameObjects(settings);
  const callbacks: RunSink = {
    ...(onIteration && { iteration: onIteration }),
    ...(onEvaluation && { evaluation: onEvaluation }),
  };
  const sinks = [callbacks, ...own];
  let weights: Uint8Array | undefined;
  const work = (recorder: RunRecorder): Promise<RunSummary> =>
    runLoop(config, recorder, signal, undefined, {
      ...given,
      withoutFiles: options.output === undefined,
      onTrained: (policy) => {
        weights = writeTrainedFile(policy);
      },
    });
  const summary =
    options.output === undefined
      ? await withRecorder(createRecorder(sinks), work)
      : await trainInFolder(
          config,
          { json: false, quiet: true, output: warningsOnly(), sinks },
          work,
        );
  if (weights === undefined) throw new Error('The run ended without weights.');
  return { summary, weights };
}

async function withRecorder(
  recorder: RunRecorder,
  work: (recorder: RunRecorder) => Promise<RunSummary>,
): Promise<RunSummary> {
  try {
    return await work(recorder);
  } finally {
    recorder.close();
  }
}

/** Results are returned, so that a program's standard output stays its own. */
function warningsOnly(): Output {
  return { out: { write: () => true }, error: processOutput().error };
}
