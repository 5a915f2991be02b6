/** Reads a request's body within bounds that hold while it comes in, whatever length its headers claim. */
import type { IncomingMessage } from 'node:http';

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

export interface ReadBodyOptions {
  readonly maximumBytes: number;
  /** Milliseconds in which the whole body must have come. */
  readonly timeoutMs: number;
  readonly budget: ByteBudget;
}

const CLOSE = { connection: 'close' };

/**
 * @returns the body, whose length is taken from the budget: give it back when the body is done with
 * @throws {HttpProblem} 413 when it is longer than allowed, 408 when it comes too slowly, 503 when the server holds too
 * much already, 400 when the client goes away; nothing is taken from the budget then
 */
export async function readBody(
  incoming: IncomingMessage,
  { maximumBytes, timeoutMs, budget }: ReadBodyOptions,
): Promise<Buffer> {
  const tooLarge = () =>
    new HttpProblem(413, 'too-large', `The body is longer than ${maximumBytes} bytes.`, CLOSE);
  if (Number(incoming.headers['content-length'] ?? 0) > maximumBytes) throw tooLarge();

  const chunks: Buffer[] = [];
  let length = 0;
  try {
    await new Promise<void>((resolve, reject) => {
      const settle = (problem?: HttpProblem) => {
        clearTimeout(timer);
        incoming.off('data', onData).off('end', onEnd).off('close', onClose).off('error', onClose);
        incoming.pause();
        if (problem === undefined) resolve();
        else reject(problem);
      };
      const onData = (chunk: Buffer) => {
        if (length + chunk.length > maximumBytes) {
          settle(tooLarge());
          return;
        }
        if (!budget.take(chunk.length)) {
          const message = 'The server holds as many bytes as it may; ask again later.';
          settle(new HttpProblem(503, 'busy', message, { ...CLOSE, 'retry-after': '1' }));
          return;
        }
        length += chunk.length;
        chunks.push(chunk);
      };
      const onEnd = () => settle();
      const onClose = () =>
        settle(new HttpProblem(400, 'disconnected', 'The connection ended inside the body.'));
      const timer = setTimeout(() => {
        const message = `The body did not come within ${timeoutMs} ms.`;
        settle(new HttpProblem(408, 'too-slow', message, CLOSE));
      }, timeoutMs);
      incoming.on('data', onData).on('end', onEnd).on('close', onClose).on('error', onClose);
      if (incoming.destroyed) onClose();
    });
  } catch (error) {
    budget.giveBack(length);
    throw error;
  }
  return chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks, length);
}
