/** Ending with a signal, and leaving no timer or listener behind. */
import { setTimeout as pause } from 'node:timers/promises';

/** Ends with the signal even where the task does not heed it. @throws the signal's reason */
export async function untilAborted<T>(
  task: Promise<T>,
  signal: AbortSignal | undefined,
): Promise<T> {
  if (signal === undefined) return task;
  let onAbort = () => {};
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(signal.reason as Error);
    signal.addEventListener('abort', onAbort, { once: true });
  });
  if (signal.aborted) onAbort();
  try {
    return await Promise.race([task, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

/** @throws the signal's reason when it is aborted meanwhile */
export async function sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
  try {
    await pause(milliseconds, undefined, { signal });
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  }
}

/**
 * A controller that is aborted with any of the signals. `AbortSignal.any` would do, but leaves an entry in a signal that
 * lives long for every request.
 * @param reason what the new signal's reason is
 */
export function followSignals(
  signals: readonly (readonly [
    signal: AbortSignal | undefined,
    reason: (own: unknown) => unknown,
  ])[],
): { readonly controller: AbortController; readonly release: () => void } {
  const controller = new AbortController();
  const releases: (() => void)[] = [];
  for (const [signal, reason] of signals) {
    if (signal === undefined) continue;
    const follow = () => controller.abort(reason(signal.reason));
    if (signal.aborted) follow();
    signal.addEventListener('abort', follow, { once: true });
    releases.push(() => signal.removeEventListener('abort', follow));
  }
  return {
    controller,
    release() {
      for (const release of releases) release();
    },
  };
}
