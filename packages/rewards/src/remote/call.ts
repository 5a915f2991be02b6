/** The time of one call of `score`: its deadline and its caller's patience, whichever ends first. */
import { RemoteFailure } from './remote-failure';

export class Call {
  readonly #controller = new AbortController();
  readonly #timer: NodeJS.Timeout;
  readonly #began = performance.now();
  readonly #onAbort = () =>
    this.#controller.abort(new RemoteFailure('aborted', 'The caller no longer waits.'));

  constructor(
    readonly deadlineMs: number,
    readonly caller: AbortSignal | undefined,
  ) {
    this.#timer = setTimeout(() => this.#controller.abort(this.deadlineFailure()), deadlineMs);
    caller?.addEventListener('abort', this.#onAbort, { once: true });
    if (caller?.aborted === true) this.#onAbort();
  }

  /** Its reason is a {@link RemoteFailure}. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get remainingMs(): number {
    return this.deadlineMs - (performance.now() - this.#began);
  }

  deadlineFailure(): RemoteFailure {
    const message = `The reward server gave no answer within the deadline of ${this.deadlineMs} ms.`;
    return new RemoteFailure('deadline', message);
  }

  /** Frees the timer and the caller's signal. */
  end(): void {
    clearTimeout(this.#timer);
    this.caller?.removeEventListener('abort', this.#onAbort);
  }

  async sleep(milliseconds: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const slept = new Promise<void>((resolve) => (timer = setTimeout(resolve, milliseconds)));
    try {
      await untilAborted(slept, this.signal);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Runs one attempt, whose signal is aborted after `timeoutMs` or with the call. */
  async attempt<T>(timeoutMs: number, task: (signal: AbortSignal) => Promise<T>): Promise<T> {
    this.signal.throwIfAborted();
    const controller = new AbortController();
    const follow = () => controller.abort(this.signal.reason);
    const message = `The reward server gave no whole answer within ${timeoutMs} ms.`;
    const timer = setTimeout(
      () => controller.abort(new RemoteFailure('timeout', message)),
      timeoutMs,
    );
    this.signal.addEventListener('abort', follow, { once: true });
    try {
      return await untilAborted(task(controller.signal), controller.signal);
    } finally {
      clearTimeout(timer);
      this.signal.removeEventListener('abort', follow);
    }
  }
}

/** Ends with the signal even where the task does not heed it. */
export async function untilAborted<T>(task: Promise<T>, signal: AbortSignal): Promise<T> {
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
