/** What train and resume have in common: however a run ends, whoever can go on with it is told how. */
import { join } from 'node:path';

import { fileStatus } from '../files/file-status';
import { shellWord } from '../model-card/quoting';
import type { RunSummary } from '../run-folder/records';
import { UnfitCheckpoint } from '../run-folder/unfit-checkpoint';
import { commandName } from '../terminal/command-name';
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
  const stopWatching = tellOfExit(folder, context);
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
  } finally {
    stopWatching();
  }
  sayHowToGoOn(folder, context);
  return code;
}

export function sayHowToGoOn(folder: string, { output }: CommandContext): void {
  if (!holdsRun(folder)) return;
  output.error.write(`To go on: ${commandName()} resume ${shellWord(folder)}\n`);
}

/** For a reward that ends the process: whoever waits for a run is not to take that for its end. */
export function tellOfExit(folder: string, context: CommandContext): () => void {
  const onExit = (code: number): void => {
    // Whoever ends it with another code says by that that it failed.
    if (code !== 0) return;
    process.exitCode = 1;
    context.output.error.write(
      'Something in the run, such as a reward, ended the process by process.exit; what was done since the last checkpoint is lost.\n',
    );
    sayHowToGoOn(folder, context);
  };
  process.once('exit', onExit);
  return () => {
    process.off('exit', onExit);
  };
}

/** One that failed before its first record leaves nothing. */
export function holdsRun(folder: string): boolean {
  return ['config.yaml', 'events.jsonl'].every(
    (name) => (fileStatus(join(folder, name))?.size ?? 0) > 0,
  );
}
