import { request } from 'node:http';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { deflateSync } from 'node:zlib';

import { numberedImage } from '../protocol/testing/example-images';
import { numberReward } from '../protocol/testing/example-reward';
import { encodeWireImage } from '../protocol/wire-image';
import { type RewardServer, serveRewards } from './serve-rewards';

const MAXIMUM_BODY = 2 ** 21;

let server: RewardServer;
let port: number;
let seven: string;
const faults: unknown[] = [];

beforeAll(async () => {
  server = await serveRewards({
    rewards: [numberReward(), numberReward({ name: 'a/b c' })],
    port: 0,
    limits: { maximumBodyBytes: MAXIMUM_BODY, maximumHeldBytes: 2 * MAXIMUM_BODY, bodyMs: 300 },
    onError: (error) => faults.push(error),
  });
  port = Number(new URL(server.url).port);
  seven = await encodeWireImage(numberedImage(7));
});
afterEach(async () => {
  // Whatever happened, the server is up, and nothing was its fault.
  const response = await post({ images: [seven], prompts: [''] });
  expect(await response.json()).toMatchObject({ results: [{ ok: true, value: 7 }] });
  const metrics = await (await fetch(`${server.url}/metrics`)).text();
  expect(metrics).toContain('loop_rewards_under_way{reward="number"} 0');
  expect(faults).toEqual([]);
});
afterAll(() => server.close());

const SCORE = '/v1/rewards/number/score';
const JSON_TYPE = { 'content-type': 'application/json' };

async function post(body: unknown, headers: Record<string, string> = JSON_TYPE, path = SCORE) {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return fetch(`${server.url}${path}`, { method: 'POST', headers, body: text });
}

async function problemOf(response: Response) {
  const { error, ...rest } = (await response.json()) as { error: Record<string, string> };
  expect(rest).toEqual({});
  expect(Object.keys(error)).toEqual(['kind', 'message']);
  expect(error['message']).not.toMatch(/node_modules|\.ts|\bat \//);
  return [response.status, error['kind']];
}

/** Sends bytes as they are. @returns all that comes back until the server closes the connection */
async function sendRaw(text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(text, 'latin1'));
    let answer = '';
    socket.on('data', (chunk) => (answer += chunk.toString('latin1')));
    socket.on('close', () => resolve(answer));
    socket.on('error', reject);
  });
}

const chunk = (type: string, data: Uint8Array) => {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(data.length);
  return Buffer.concat([length, Buffer.from(type), data, Buffer.alloc(4)]);
};

/** A PNG of any claimed size. Its checksums are wrong, which only who unpacks it would see. */
function claimedPng(width: number, height: number, data = new Uint8Array(10)): string {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8);
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  const body = [
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(data)),
    chunk('IEND', Buffer.of()),
  ];
  return Buffer.concat([signature, ...body]).toString('base64');
}

describe('bodies', () => {
  it.each([
    ['nothing', '', 400, 'malformed-json'],
    ['no JSON', '{"images":', 400, 'malformed-json'],
    ['a deep nest', '['.repeat(100_000), 400, 'malformed-json'],
    ['a deep nest that is closed', '['.repeat(1e5) + ']'.repeat(1e5), 422, 'invalid-request'],
    ['no object', '[]', 422, 'invalid-request'],
    ['null', 'null', 422, 'invalid-request'],
    ['another key', '{"images":[],"prompts":[],"image":1}', 422, 'invalid-request'],
    ['a prototype', '{"images":[],"prompts":[],"__proto__":{"a":1}}', 422, 'invalid-request'],
    ['no prompts', '{"images":[]}', 422, 'invalid-request'],
    ['too few prompts', '{"images":["",""],"prompts":[""]}', 422, 'invalid-request'],
    ['numbers', '{"images":[1],"prompts":[""]}', 422, 'invalid-request'],
    ['one text', '{"images":"","prompts":""}', 422, 'invalid-request'],
    ['a long prompt', `{"images":[""],"prompts":["${'x'.repeat(8193)}"]}`, 422, 'invalid-request'],
    ['a long id', `{"images":[],"prompts":[],"id":"${'x'.repeat(129)}"}`, 422, 'invalid-request'],
  ])('of %s', async (_, body, status, kind) => {
    expect(await problemOf(await post(body))).toEqual([status, kind]);
  });

  it('that are not UTF-8', async () => {
    const body = Buffer.from([0x22, 0xff, 0xfe, 0x22]);
    const init = { method: 'POST', headers: JSON_TYPE, body };
    const response = await fetch(`${server.url}${SCORE}`, init);
    expect(await problemOf(response)).toEqual([400, 'malformed-json']);
  });

  it.each<Record<string, string>>([
    { 'content-type': 'text/plain' },
    { 'content-type': 'application/jsonp' },
    { 'content-type': '' },
    { ...JSON_TYPE, 'content-encoding': 'gzip' },
  ])('of another type: %j', async (headers) => {
    expect(await problemOf(await post('{}', headers))).toEqual([415, 'wrong-content-type']);
  });

  it('that are too long, as they say', async () => {
    const response = await post('x'.repeat(MAXIMUM_BODY + 1));
    expect(await problemOf(response)).toEqual([413, 'too-large']);
    const claim = `POST ${SCORE} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 99999999999\r\n\r\n`;
    expect(await sendRaw(claim)).toMatch(/^HTTP\/1\.1 413 /);
  });

  it('that are too long and do not say so', async () => {
    const status = await new Promise<number | undefined>((resolve, reject) => {
      // Without a length, Node sends chunks.
      const sending = request(
        { port, path: SCORE, method: 'POST', headers: JSON_TYPE },
        (incoming) => {
          incoming.resume();
          clearInterval(timer);
          resolve(incoming.statusCode);
        },
      );
      const part = Buffer.alloc(2 ** 16, 0x20);
      const timer = setInterval(() => sending.write(part), 1);
      sending.on('error', (error) => {
        clearInterval(timer);
        reject(error);
      });
    });
    expect(status).toBe(413);
  });

  it('that come too slowly, or not at all', async () => {
    const head = `POST ${SCORE} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n`;
    const answers = await Promise.all([
      sendRaw(`${head}Content-Length: 100\r\n\r\n{"ima`),
      sendRaw(`${head}Transfer-Encoding: chunked\r\n\r\n5\r\n{"ima\r\n`),
    ]);
    for (const answer of answers) {
      expect(answer).toMatch(/^HTTP\/1\.1 408 /);
      expect(answer).toContain('"kind":"too-slow"');
    }
  });

  it('that are more than the server holds', async () => {
    const part = `{"images":[],"prompts":[],"id":"${' '.repeat(MAXIMUM_BODY - 1000)}`;
    const head = `POST ${SCORE} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${MAXIMUM_BODY}\r\n\r\n`;
    const answers = await Promise.all([1, 2, 3].map(() => sendRaw(head + part)));
    const statuses = answers.map((answer) => answer.slice(9, 12));
    expect(statuses.sort()).toEqual(['408', '408', '503']);
  });

  it('that end in the middle', async () => {
    const head = `POST ${SCORE} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{`;
    await new Promise<void>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => {
        socket.write(head, () => socket.destroy());
      });
      socket.on('close', () => resolve());
    });
    while (
      !(await (await fetch(`${server.url}/metrics`)).text()).includes(
        'under_way{reward="number"} 0',
      )
    ) {
      await sleep(5);
    }
  });
});

describe('images', () => {
  it('that are 100,000', async () => {
    const images = Array.from({ length: 100_000 }, () => '');
    expect(await problemOf(await post({ images, prompts: images }))).toEqual([
      413,
      'too-many-images',
    ]);
  });

  it.each([
    [65_535, 65_535],
    [2 ** 31 - 1, 1],
    [2 ** 24 + 1, 1],
    [0xffffffff, 0xffffffff],
  ])('that claim to be %d×%d', async (width, height) => {
    const images = [seven, claimedPng(width, height, new Uint8Array(2 ** 20))];
    const response = await post({ images, prompts: ['', ''] });
    expect(await problemOf(response)).toEqual([413, 'image-too-large']);
  });

  it('that are too much together', async () => {
    const images = Array.from({ length: 5 }, () => claimedPng(4096, 4096));
    const response = await post({ images, prompts: images.map(() => '') });
    expect(await problemOf(response)).toEqual([413, 'image-too-large']);
  });

  it('that are broken, one by one', async () => {
    const whole = Buffer.from(seven, 'base64');
    const images = [
      claimedPng(1, 1),
      claimedPng(0, 1),
      claimedPng(1000, 1000),
      Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>').toString(
        'base64',
      ),
      ...Array.from(whole.keys(), (at) => whole.subarray(0, at).toString('base64')).slice(0, 60),
    ];
    const response = await post({ images, prompts: images.map(() => '') });
    expect(response.status).toBe(200);
    const { results } = (await response.json()) as { results: { ok: boolean; kind: string }[] };
    expect(new Set(results.map(({ kind }) => kind))).toEqual(new Set(['invalid-image']));
    expect(results).toHaveLength(images.length);
  });
});

describe('paths', () => {
  it.each([
    '/',
    '/nothing',
    '/v1',
    '/v1/',
    '/v2/score',
    '/v1/score/',
    '//v1/score',
    '/v1//score',
    '/v1/rewards//score',
    '/v1/rewards/../score/x',
    '/v1/rewards/%2e%2e/score',
    '/v1/rewards/%2e%2e%2f%2e%2e/score',
    '/v1/rewards/__proto__/score',
    '/v1/rewards/constructor/score',
    '/v1/rewards/toString/score',
    '/v1/rewards/number%00/score',
    '/v1/rewards/%ff%fe/score',
    '/v1/rewards/%/score',
    '/v1/rewards/NUMBER/score',
    '/v1/rewards/a/b c/score',
    '/info/../../etc/passwd',
    '/health/..%2f..%2fetc/passwd',
    'http://elsewhere.example/nothing',
    '*',
  ])('that lead nowhere: %s', async (path) => {
    for (const method of ['GET', 'POST']) {
      const answer = await sendRaw(
        `${method} ${path.replaceAll(' ', '%20')} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n` +
          'Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}',
      );
      expect(answer).toMatch(/^HTTP\/1\.1 4(00|04|05) /);
      expect(answer).toContain('{"error":{"kind":');
    }
  });

  it('that are too long', async () => {
    const answer = await sendRaw(`GET /${'x'.repeat(20_000)} HTTP/1.1\r\nHost: x\r\n\r\n`);
    expect(answer).toMatch(/^HTTP\/1\.1 431 /);
    expect(answer).toContain('"kind":"headers-too-large"');
  });

  it('with a name that needs quoting lead to the reward', async () => {
    const body = { images: [seven], prompts: [''] };
    const path = `/v1/rewards/${encodeURIComponent('a/b c')}/score`;
    expect((await post(body, JSON_TYPE, path)).status).toBe(200);
    expect(await problemOf(await post(body, JSON_TYPE, '/v1/score'))).toEqual([
      404,
      'no-reward-named',
    ]);
  });

  it.each(['PUT', 'DELETE', 'PATCH', 'OPTIONS'])('with the method %s', async (method) => {
    for (const [path, allow] of [
      ['/info', 'GET, HEAD'],
      [SCORE, 'POST'],
    ] as const) {
      const response = await fetch(`${server.url}${path}`, { method });
      expect(response.headers.get('allow')).toBe(allow);
      expect(await problemOf(response)).toEqual([405, 'wrong-method']);
    }
    expect((await fetch(`${server.url}${SCORE}`)).status).toBe(405);
    expect((await fetch(`${server.url}/info`, { method: 'HEAD' })).status).toBe(200);
  });
});

it.each([
  ['no HTTP at all', '\x16\x03\x01\x02\x00\x01\x00\r\n\r\n'],
  [
    'two lengths',
    `POST ${SCORE} HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}`,
  ],
  [
    'a length and chunks',
    `POST ${SCORE} HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  ],
  [
    'a bad chunk',
    `POST ${SCORE} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n`,
  ],
  ['no host', 'GET /info HTTP/1.1\r\n\r\n'],
  ['a strange host', 'GET /info HTTP/1.1\r\nHost: [x/../\r\nConnection: close\r\n\r\n'],
  ['a strange method', 'BREW /info HTTP/1.1\r\nHost: x\r\n\r\n'],
])('refuses %s', async (_, text) => {
  expect(await sendRaw(text)).toMatch(/^HTTP\/1\.1 400 /);
});

it('gives ids of its own in place of strange ones', async () => {
  for (const id of ['x'.repeat(129), 'two words', 'ü']) {
    const response = await fetch(`${server.url}/health`, { headers: { 'x-request-id': id } });
    expect(response.headers.get('x-request-id')).toMatch(/^[0-9a-f]{8}-/);
  }
  const body = { images: [], prompts: [], id: 'mine' };
  const response = await post(body, { ...JSON_TYPE });
  expect(response.headers.get('x-request-id')).toBe('mine');
});
