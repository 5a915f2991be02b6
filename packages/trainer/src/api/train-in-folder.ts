/** A new run in its folder, from its first record to its end. */
import type { TrainConfig } from '../configuration/schema';
import type { RunSummary } from '../run-folder/records';
import type { RunFolder } from '../run-folder/run-folder';
import { createRunRecorder, type RecorderOptions } from '../tracking/create-run-recorder';
import type { RunRecorder } from '../tracking/recorder';

/**
 * Keeps the folder whatever ends the run, unless nothing was recorded yet, and closes it.
 *
 * @param folder just made
 * @param work what is done with the run's recorder
 * @throws what `work` throws
 */
export async function trainInFolder(
  folder: RunFolder,
  config: TrainConfig,
  options: RecorderOptions,
  work: (recorder: RunRecorder) => Promise<RunSummary>,
): Promise<RunSummary> {
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
