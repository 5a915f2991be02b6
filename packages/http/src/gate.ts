import pLimit from 'p-limit';

/** Lets so many in at once; the others wait in order, and leave the line when their signal is aborted. */
export class Gate {
  readonly #limited: ReturnType<typeof pLimit>;
  #inside = 0;
  #waiting = 0;

  /** @param limit a whole number of at least 1, or Infinity */
  constructor(readonly limit: number) {
    this.#limited = pLimit(limit);
  }

  get inside(): number {
    return this.#inside;
  }

  get waiting(): number {
    return this.#waiting;
  }

  /**
   * Runs a task when its turn has come.
   * @throws the signal's reason when it is aborted before that
   */
  async run<T>(task: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    signal?.throwIfAborted();
    return new Promise<T>((resolve, reject) => {
      // p-limit cannot take anybody out of its line: who gave up leaves an empty place.
      let entering: (() => Promise<T>) | undefined = task;
      const giveUp = () => {
        entering = undefined;
        this.#waiting--;
        reject(signal?.reason as Error);
      };
      this.#waiting++;
      signal?.addEventListener('abort', giveUp, { once: true });
      void this.#limited(async () => {
        if (entering === undefined) return;
        signal?.removeEventListener('abort', giveUp);
        this.#waiting--;
        this.#inside++;
        const ended = entering().finally(() => this.#inside--);
        resolve(ended);
        await ended.catch(() => {});
      });
    });
  }
}
