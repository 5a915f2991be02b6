/** An error as a sentence and an exit code. */
import { inspect } from 'node:util';

import { CommanderError } from 'commander';

import { UsageError } from '../usage-error';
import { WorkerLeft } from '../workers/workers';
import type { CommandContext } from './context';
import { INTERRUPTED_EXIT_CODE } from './interruption';

/**
 * @param debug shows the stack, and those of its causes
 * @returns the exit code
 */
export function reportError(error: unknown, { output }: CommandContext, debug: boolean): number {
  // Commander has written its own message, or the help that was asked for.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (error instanceof Error && error.name === 'AbortError') {
    output.error.write('Interrupted.\n');
    return INTERRUPTED_EXIT_CODE;
  }
  const message = error instanceof Error ? error.message : String(error);
  output.error.write(`${/[.!?…]$/.test(message) ? message : `${message}.`}\n`);
  if (debug && error instanceof Error) output.error.write(`${inspect(error)}\n`);
  if (error instanceof WorkerLeft && error.interrupted) return INTERRUPTED_EXIT_CODE;
  return error instanceof UsageError ? error.exitCode : 1;
}
