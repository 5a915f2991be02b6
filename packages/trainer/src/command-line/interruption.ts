/** What ends a command from outside. Ctrl-C: once to end cleanly, twice to end at once. */
import { setMaxListeners } from 'node:events';

import { leaveCluster } from '@loop-diffusion/native-tensorflow';

import { ENDS_WITH_PARENT } from '../study/launch-run';
import { UserError } from '../user-error';
import type { CommandContext } from './context';
import { listenForStrayErrors } from './stray-errors';

/** As a shell reports a program that was ended by SIGINT. */
export const INTERRUPTED_EXIT_CODE = 130;

/** What the process that started this one sends to end it. */
export interface EndMessage {
  /** Why, in a sentence; empty where the user knows. */
  readonly end: string;
}

export interface Interruption {
  /** Aborted at the first SIGINT or SIGTERM, or with a `UserError` when something failed that nobody waited for. */
  readonly signal: AbortSignal;
  /** Gives the signals back to the process. */
  release(): void;
}

/** @param saying what follows from the first of them */
export function listenForInterruption(
  { output, exit }: CommandContext,
  saying = 'Ending with a checkpoint of the iterations that are done; press Ctrl-C again to exit at once without it.',
): Interruption {
  const controller = new AbortController();
  // Every call of a reward that is under way listens; that many are no leak.
  setMaxListeners(0, controller.signal);
  function end(): void {
    if (controller.signal.aborted) return;
    output.error.write(`\n${saying}\n`);
    controller.abort();
  }
  function interrupt(): void {
    if (controller.signal.aborted) exit(INTERRUPTED_EXIT_CODE);
    else end();
  }
  process.on('SIGINT', interrupt);
  process.on('SIGTERM', interrupt);
  const onMessage = (message: Partial<EndMessage>): void => {
    if (message.end === undefined) return;
    if (message.end !== '') {
      output.error.write(`\n${message.end}\n`);
      // One is gone for whom the others would wait.
      leaveCluster();
    }
    end();
  };
  if (process.env[ENDS_WITH_PARENT] === '1') {
    process.once('disconnect', end);
    process.on('message', onMessage);
    // Listening alone would keep the process alive.
    process.channel?.unref();
    // It may have gone before anybody listened.
    if (!process.connected) end();
  }
  const releaseStrayErrors = listenForStrayErrors((error) => {
    controller.abort(error);
  });
  return {
    signal: controller.signal,
    release() {
      process.off('SIGINT', interrupt);
      process.off('SIGTERM', interrupt);
      process.off('disconnect', end);
      process.off('message', onMessage);
      releaseStrayErrors();
    },
  };
}

/**
 * For a command that goes on where it was interrupted.
 *
 * @param work throws the signal's reason when it is aborted
 * @returns its exit code, or that of an interruption
 */
export async function untilInterrupted(
  context: CommandContext,
  saying: string,
  work: (signal: AbortSignal) => Promise<number>,
): Promise<number> {
  const interruption = listenForInterruption(context, saying);
  const { signal } = interruption;
  try {
    return await work(signal);
  } catch (error) {
    if (!signal.aborted || signal.reason instanceof UserError) throw error;
    return INTERRUPTED_EXIT_CODE;
  } finally {
    interruption.release();
  }
}
