/** A server on this machine's loopback, for tests. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface LoopbackRequest {
  readonly method: string;
  /** With its query; without the server, where it is asked as a proxy. */
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  /** Parsed from JSON; undefined when there is none. */
  readonly body: unknown;
}

export interface LoopbackServer {
  readonly url: string;
  readonly requests: readonly LoopbackRequest[];
  /** Also ends the connections that wait for an answer. */
  close(): Promise<void>;
}

/** @param answer writes the response, or never */
export async function startLoopbackServer(
  answer: (request: LoopbackRequest, response: ServerResponse) => void,
): Promise<LoopbackServer> {
  const requests: LoopbackRequest[] = [];
  const server = createServer((incoming, response) => {
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('end', () => {
      const text = Buffer.concat(chunks).toString();
      const request = {
        method: incoming.method ?? '',
        path: (incoming.url ?? '').replace(/^http:\/\/[^/]+/, ''),
        headers: incoming.headers,
        body: text === '' ? undefined : (JSON.parse(text) as unknown),
      };
      requests.push(request);
      answer(request, response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`,
    requests,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}
