/** Limits of time in a process whose event loop tensor work blocks for seconds. */

const TICK_MS = 100;

/**
 * A time that runs only while something is waited for ({@link during}) and the event loop is free.
 *
 * An answer that arrives while the loop is blocked is read after, and by the clock on the wall it would be late without
 * being slow; here a blocked stretch of any length counts as at most 100 ms. Waiting for others, as in a gate, does not
 * count at all.
 */
export class Deadline {
  readonly #controller = new AbortController();
  #leftMs: number;
  #users = 0;
  #timer: NodeJS.Timeout | undefined;
  #since = 0;

  /**
   * @param milliseconds Infinity for no limit
   * @param reason what the signal is aborted with
   */
  constructor(
    readonly milliseconds: number,
    readonly reason: () => unknown = () => new Error(`no answer within ${milliseconds / 1000} s`),
  ) {
    this.#leftMs = milliseconds;
  }

  /** Aborted at the end of the time. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Milliseconds that are left. */
  get remainingMs(): number {
    return Math.max(0, this.#leftMs - (this.#users > 0 ? this.#sinceTick() : 0));
  }

  /** Lets the time run until the work has ended. Several may do so at once, which takes no more of it than one. */
  async during<T>(work: () => Promise<T>): Promise<T> {
    if (this.#users++ === 0) this.#tick();
    try {
      return await work();
    } finally {
      if (--this.#users === 0) {
        clearTimeout(this.#timer);
        this.#leftMs -= this.#sinceTick();
      }
    }
  }

  #sinceTick(): number {
    return Math.min(TICK_MS, performance.now() - this.#since);
  }

  #tick(): void {
    this.#since = performance.now();
    if (this.#leftMs === Infinity || this.signal.aborted) return;
    if (this.#leftMs <= 0) {
      this.#controller.abort(this.reason());
      return;
    }
    this.#timer = setTimeout(
      () => {
        this.#leftMs -= this.#sinceTick();
        this.#tick();
      },
      Math.min(TICK_MS, this.#leftMs),
    );
  }
}
