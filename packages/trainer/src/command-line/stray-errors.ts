/** What goes wrong outside the calls that are waited for. */
import { UserError } from '../user-error';

/**
 * Listens for errors that nobody caught, as of a promise that a reward makes and does not await: left alone, Node ends the
 * process on the spot. And for the process running out of things to wait for, as on a promise that nothing settles: Node
 * would end without a word.
 *
 * @param onError told what happened, at the first such event and at later ones
 * @returns gives the events back to the process
 */
export function listenForStrayErrors(onError: (error: UserError) => void): () => void {
  // Also told of promises that are rejected and not handled.
  function onUncaught(error: unknown): void {
    const reason = error instanceof Error ? error.message : String(error);
    onError(
      new UserError(
        `Something failed that nobody waited for, such as a promise that a reward does not await: ${reason}`,
        { cause: error },
      ),
    );
  }
  function onIdle(): void {
    onError(
      new UserError(
        'Nothing is left that could go on: a reward, say, waits for a promise that is never settled',
      ),
    );
  }
  process.on('uncaughtException', onUncaught);
  process.on('beforeExit', onIdle);
  return () => {
    process.off('uncaughtException', onUncaught);
    process.off('beforeExit', onIdle);
  };
}
