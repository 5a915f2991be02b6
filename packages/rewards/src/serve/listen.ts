/** The connections below the server: their timeouts, what is no HTTP, and their orderly end. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

import { problemResponse } from './app';
import { HttpProblem, problemBody } from './http-problem';
import type { ServeLimits } from './limits';

/** Milliseconds for the headers of a request, and for noticing that any time is over. */
const HEADERS_MS = 10_000;
const CHECK_MS = 1_000;

export interface ListenOptions {
  readonly fetch: (request: Request, env: object) => Response | Promise<Response>;
  readonly host: string;
  readonly port: number;
  readonly limits: ServeLimits;
}

/** @throws {Error} when the address cannot be listened on, with the system's reason */
export async function listen({ fetch, host, port, limits }: ListenOptions): Promise<Server> {
  const { getRequestListener } = await import('@hono/node-server');
  const listener = getRequestListener(fetch, {
    overrideGlobalObjects: false,
    errorHandler: () => problemResponse(new HttpProblem(400, 'malformed', 'This is no request.')),
  });
  const server = createServer(
    {
      connectionsCheckingInterval: CHECK_MS,
      headersTimeout: HEADERS_MS,
      // The body has a timer of its own, which can still answer; this one only closes.
      requestTimeout: Math.min(HEADERS_MS + limits.bodyMs + 5 * CHECK_MS, 2 ** 31 - 1),
    },
    (incoming, outgoing) => void listener(incoming, outgoing),
  );
  server.maxConnections = limits.connections;
  server.on('clientError', answerClientError);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host.replace(/^\[(.*)\]$/, '$1'), () => {
      server.off('error', reject);
      resolve();
    });
  });
  return server;
}

const CLIENT_ERRORS: Readonly<Record<string, readonly [string, string, string]>> = {
  HPE_HEADER_OVERFLOW: [
    '431 Request Header Fields Too Large',
    'headers-too-large',
    'The path and the headers are too long.',
  ],
  ERR_HTTP_REQUEST_TIMEOUT: [
    '408 Request Timeout',
    'too-slow',
    'The request did not come within its time.',
  ],
};

/** Answers what Node could not read as HTTP, as far as the connection still takes it. */
function answerClientError(error: NodeJS.ErrnoException, socket: Socket): void {
  if (!socket.writable || error.code === 'ECONNRESET') {
    socket.destroy();
    return;
  }
  const [status, kind, message] = CLIENT_ERRORS[error.code ?? ''] ?? [
    '400 Bad Request',
    'malformed',
    'This is not HTTP.',
  ];
  const body = problemBody({ kind, message });
  socket.end(
    `HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Type: application/json\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    () => socket.destroy(),
  );
}

export function urlOf(server: Server): string {
  const { address, port, family } = server.address() as AddressInfo;
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
}
