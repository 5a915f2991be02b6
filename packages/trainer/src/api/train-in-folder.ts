/** A run with a folder, from its making to its end. */
import type { TrainConfig } from '../configuration/schema';
import type { RunSummary } from '../run-folder/records';
import { createRunFolder } from '../run-folder/run-folder';
import type { RunRecorder } from '../tracking/recorder';
import { createRunRecorder, type RecorderOptions } from '../tracking/create-run-recorder';

/**
 * Makes the folder that the configuration names and keeps it whatever ends the run, unless nothing was recorded yet.
 *
 * @param work what is done with the run's recorder; its result is the run's
 * @throws UserError when the folder holds anything already or cannot be written, and what `work` throws
 */
export async function trainInFolder(
  config: TrainConfig,
  options: RecorderOptions,
  work: (recorder: RunRecorder) => Promise<RunSummary>,
): Promise<RunSummary> {
  const folder = createRunFolder(config.output);
  let finished = false;
  try {
    // Writes the configuration, from which on the run can be resumed.
    const recorder = createRunRecorder(folder, config, options);
    try {
      const summary = await work(recorder);
      finished = true;
      return summary;
    } finally {
      recorder.close();
    }
  } finally {
    if (!finished) folder.discardIfUnused();
    folder.close();
  }
}
