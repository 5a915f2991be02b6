/** Reads a request's body within bounds that hold while it comes in, whatever length its headers claim. */
import type { IncomingMessage } from 'node:http';

import type { Holding } from './byte-budget';
import { HttpProblem } from './http-problem';

export interface ReadBodyOptions {
  readonly maximumBytes: number;
  /** Milliseconds in which the whole body must have come. */
  readonly timeoutMs: number;
  /** What the body's bytes are taken from. */
  readonly holding: Holding;
}

const CLOSE = { connection: 'close' };

/**
 * @throws {HttpProblem} 413 when it is longer than allowed, 408 when it comes too slowly, 503 when the server holds too
 * much already, 400 when the client goes away
 */
export async function readBody(
  incoming: IncomingMessage,
  { maximumBytes, timeoutMs, holding }: ReadBodyOptions,
): Promise<Buffer> {
  const tooLarge = () =>
    new HttpProblem(413, 'too-large', `The body is longer than ${maximumBytes} bytes.`, CLOSE);
  if (Number(incoming.headers['content-length'] ?? 0) > maximumBytes) throw tooLarge();

  const chunks: Buffer[] = [];
  let length = 0;
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
      try {
        holding.take(chunk.length, CLOSE);
      } catch (error) {
        settle(error as HttpProblem);
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
  return chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks, length);
}
