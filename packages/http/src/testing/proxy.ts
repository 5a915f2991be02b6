/** A little HTTP proxy on this machine's loopback: plain requests in absolute form, and tunnels by CONNECT. */
import { createServer, request } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';

export interface TestProxy {
  readonly url: string;
  /** `GET http://…` and `CONNECT host:port`, in order. */
  readonly passed: readonly string[];
  close(): Promise<void>;
}

/** @param refuse a status that everybody is refused with */
export async function startProxy(refuse?: number): Promise<TestProxy> {
  const passed: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((incoming, outgoing) => {
    passed.push(`${incoming.method ?? ''} ${incoming.url ?? ''}`);
    if (refuse !== undefined) {
      outgoing.writeHead(refuse).end();
      return;
    }
    const { method, headers, url = '' } = incoming;
    // Names that only the proxy knows lead to this machine.
    const { port, pathname, search } = new URL(url);
    const onward = request(
      { host: '127.0.0.1', port, path: pathname + search, method, headers },
      (answer) => {
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(outgoing);
      },
    );
    onward.on('error', () => outgoing.writeHead(502).end());
    incoming.pipe(onward);
  });
  server.on('connect', (incoming, socket: Socket) => {
    passed.push(`CONNECT ${incoming.url ?? ''}`);
    if (refuse !== undefined) {
      socket.end(`HTTP/1.1 ${refuse} No\r\n\r\n`);
      return;
    }
    const onward = connect(Number((incoming.url ?? '').split(':').pop()), '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection Established\r\n\r\n');
      onward.pipe(socket);
      socket.pipe(onward);
    });
    onward.on('error', () => socket.destroy());
    socket.on('error', () => onward.destroy());
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    passed,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
