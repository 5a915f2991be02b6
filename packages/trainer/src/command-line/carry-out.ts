/** What train and resume have in common: however a run ends, whoever can go on with it is told how. */
import { join } from 'node:path';

import { fileStatus } from '../files/file-status';
import { shellWord } from '../model-card/quoting';
import type { RunSummary } from '../run-folder/records';
import { UnfitCheckpoint } from '../run-folder/unfit-checkpoint';
import { UserError } from '../user-error';
import type { CommandContext, CommonFlags } from './context';
import { INTERRUPTED_EXIT_CODE } from './interruption';
import { reportError } from './report-error';

/**
 * @param folder the run's
 * @param signal the one that ends the run
 * @param work the run, its folder closed at the end
 * @returns the exit code
 */
export async function carryOut(
  folder: string,
  flags: CommonFlags,
  context: CommandContext,
  signal: AbortSignal,
  work: () => Promise<RunSummary>,
): Promise<number> {
  let code: number;
  try {
    const { interrupted } = await work();
    // What came too late to end the run is told all the same.
    if (!interrupted && signal.reason instanceof UserError) {
      return reportError(signal.reason, context, flags.debug === true);
    }
    if (!interrupted) return 0;
    code = INTERRUPTED_EXIT_CODE;
  } catch (error) {
    code = reportError(error, context, flags.debug === true);
    if (error instanceof UnfitCheckpoint) return code;
  }
  if (holdsRun(folder)) {
    context.output.error.write(`To go on: loop-diffusion resume ${shellWord(folder)}\n`);
  }
  return code;
}

/** One that failed before its first record leaves nothing. */
function holdsRun(folder: string): boolean {
  return ['config.yaml', 'events.jsonl'].every(
    (name) => (fileStatus(join(folder, name))?.size ?? 0) > 0,
  );
}
