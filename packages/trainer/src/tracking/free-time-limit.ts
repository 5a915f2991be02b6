/** Deadlines in a process whose event loop tensor work blocks for seconds. */

const TICK_MILLISECONDS = 100;

export interface FreeTimeLimit {
  /** Aborted at the end of the time. */
  readonly signal: AbortSignal;
  clear(): void;
}

/**
 * A limit on the time in which the event loop was free. An answer that arrives while it is blocked is read after, and by the
 * clock on the wall it would be late without being slow; here a blocked stretch of any length counts as one tick.
 */
export function limitFreeTime(milliseconds: number): FreeTimeLimit {
  const controller = new AbortController();
  let ticks = Math.ceil(milliseconds / TICK_MILLISECONDS);
  const timer = setInterval(() => {
    ticks -= 1;
    if (ticks > 0) return;
    clearInterval(timer);
    controller.abort(new Error(`no answer within ${String(milliseconds / 1000)} s`));
  }, TICK_MILLISECONDS);
  return {
    signal: controller.signal,
    clear() {
      clearInterval(timer);
    },
  };
}
