/** Lets so many in at once; the others wait in order, and leave the line when their signal is aborted. */
export class Gate {
  readonly #waiting = new Set<() => void>();
  #inside = 0;

  constructor(readonly limit: number) {}

  get inside(): number {
    return this.#inside;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  /**
   * Runs a task when its turn has come.
   * @throws the signal's reason when it is aborted before that
   */
  async run<T>(task: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    await this.#enter(signal);
    try {
      return await task();
    } finally {
      this.#leave();
    }
  }

  async #enter(signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted();
    if (this.#inside < this.limit) {
      this.#inside++;
      return;
    }
    await new Promise<void>((resolve, reject) => {
      const takeTurn = () => {
        signal?.removeEventListener('abort', giveUp);
        resolve();
      };
      const giveUp = () => {
        this.#waiting.delete(takeTurn);
        reject(signal?.reason as Error);
      };
      this.#waiting.add(takeTurn);
      signal?.addEventListener('abort', giveUp, { once: true });
    });
  }

  #leave(): void {
    const [next] = this.#waiting;
    if (next === undefined) {
      this.#inside--;
      return;
    }
    // The place passes on, so that nobody who comes now can overtake.
    this.#waiting.delete(next);
    next();
  }
}
