/** A server that does what a test tells it to, below or above HTTP. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

import { type Info, PROTOCOL, type RewardInfo, type ScoreRequest } from '../schemas';
import { decodeWireImage, openWireImage } from '../wire-image';
import { numberIn } from './example-images';

export interface Asked {
  readonly request: ScoreRequest;
  readonly incoming: IncomingMessage;
  readonly outgoing: ServerResponse;
  /** How many times a score was asked for, this one included. */
  readonly count: number;
  /** Numbers in the images, see `numberedImage`. */
  readonly numbers: readonly number[];
  /** Answers as a good server would. */
  readonly answer: (results?: unknown) => void;
  /** Answers with any body. */
  readonly reply: (status: number, body: string, headers?: Record<string, string>) => void;
}

export interface MisbehavingServer {
  readonly url: string;
  readonly port: number;
  /** What was asked, in order. */
  readonly asked: Asked[];
  close(): Promise<void>;
}

const JSON_TYPE = { 'content-type': 'application/json' };

/** @param onScore what to do when a score is asked for; `/info` is well-behaved */
export async function misbehavingServer(
  onScore: (asked: Asked) => void | Promise<void>,
  info: Partial<RewardInfo> = {},
  onInfo?: (asked: Pick<Asked, 'reply'>) => void,
): Promise<MisbehavingServer> {
  const asked: Asked[] = [];
  const server = createServer((incoming, outgoing) => {
    const reply: Asked['reply'] = (status, body, headers = JSON_TYPE) =>
      void outgoing.writeHead(status, headers).end(body);
    if (incoming.method === 'GET') {
      if (onInfo !== undefined) onInfo({ reply });
      else reply(200, JSON.stringify(infoOf(info)));
      return;
    }
    void readRequest(incoming).then(async (request) => {
      const numbers = await Promise.all(request.images.map(readNumber));
      const scores = numbers.map((value) => ({ ok: true, value }));
      const answer = (results: unknown = scores) =>
        reply(200, JSON.stringify({ results, reward: 'number', version: '1' }));
      const one = { request, incoming, outgoing, count: asked.length + 1, numbers, answer, reply };
      asked.push(one);
      await onScore(one);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    asked,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

function infoOf(info: Partial<RewardInfo>): Info {
  const reward: RewardInfo = {
    name: 'number',
    version: '1',
    range: [0, null],
    maximumBatch: 16,
    concurrency: 1,
    scope: 'image',
    deterministic: true,
    probe: null,
    ...info,
  };
  return { protocol: PROTOCOL, rewards: [reward], limits: {} };
}

async function readRequest(incoming: IncomingMessage): Promise<ScoreRequest> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  return JSON.parse(Buffer.concat(chunks).toString()) as ScoreRequest;
}

async function readNumber(text: string): Promise<number> {
  const picture = openWireImage(text);
  return typeof picture === 'string' ? NaN : numberIn(await decodeWireImage(picture));
}
