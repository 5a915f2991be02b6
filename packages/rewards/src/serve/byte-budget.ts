/** What one request makes a server hold, given back as one. */
import { HttpProblem } from './http-problem';

/** Bytes that a server may hold at once, over all requests. */
export class ByteBudget {
  #held = 0;

  constructor(readonly limit: number) {}

  get held(): number {
    return this.#held;
  }

  take(bytes: number): boolean {
    if (this.#held + bytes > this.limit) return false;
    this.#held += bytes;
    return true;
  }

  giveBack(bytes: number): void {
    this.#held -= bytes;
  }
}

/** What is taken from a budget for one request. */
export class Holding {
  #bytes = 0;

  constructor(readonly budget: ByteBudget) {}

  /**
   * @throws {HttpProblem} 503 when the server holds too much for it at the moment, 413 when the request alone would be more
   * than it may ever hold
   */
  take(bytes: number, headers: Readonly<Record<string, string>> = {}): void {
    if (this.budget.take(bytes)) {
      this.#bytes += bytes;
      return;
    }
    const { limit } = this.budget;
    if (this.#bytes + bytes > limit) {
      const message = `The request takes more than the ${limit} bytes that the server holds at once; send fewer images.`;
      throw new HttpProblem(413, 'too-large', message, headers);
    }
    const message = 'The server holds as many bytes as it may; ask again later.';
    throw new HttpProblem(503, 'busy', message, { ...headers, 'retry-after': '1' });
  }

  giveBack(): void {
    this.budget.giveBack(this.#bytes);
    this.#bytes = 0;
  }
}
