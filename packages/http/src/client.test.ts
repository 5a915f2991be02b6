import type { ServerResponse } from 'node:http';

import { createHttpClient, type HttpClientOptions, type HttpEvent } from './client';
import { Deadline } from './deadline';
import { HttpError } from './http-error';
import { type Asked, startServer } from './testing/server';

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  await Promise.all(closing.splice(0).map((close) => close()));
});

/** A client of a server that misbehaves; pauses between attempts are none, unless `random` says so. */
async function connect(
  answer: (response: ServerResponse, asked: Asked) => void,
  options: HttpClientOptions = {},
) {
  const server = await startServer(answer);
  closing.push(server.close);
  const events: HttpEvent[] = [];
  const client = createHttpClient({
    random: () => 0,
    onEvent: (event) => events.push(event),
    ...options,
  });
  const get = (more: Partial<Parameters<typeof client.request>[0]> = {}) =>
    client.request({ url: `${server.url}/a?b=c`, ...more }, (answer) => answer.text());
  return { server, client, events, get };
}

/** The error of a request that fails. */
async function failure(request: Promise<unknown>): Promise<HttpError> {
  const error: unknown = await request.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(HttpError);
  return error as HttpError;
}

const good = (response: ServerResponse) => void response.end('good');
const never = () => {};

describe('a request', () => {
  it('sends what it is given', async () => {
    const { server, client } = await connect(good, { headers: { 'x-all': '1' } });
    const said = await client.request(
      {
        url: `${server.url}/path`,
        headers: { 'content-type': 'text/plain' },
        body: new Uint8Array([104, 105]).subarray(0, 2),
      },
      (answer) => [answer.status, answer.url],
    );
    expect(said).toEqual([200, `${server.url}/path`]);
    expect(server.asked).toMatchObject([
      {
        method: 'POST',
        path: '/path',
        body: 'hi',
        headers: { 'x-all': '1', 'content-type': 'text/plain', 'user-agent': 'loop-diffusion' },
      },
    ]);
  });

  it('reads JSON, and says what came where it is none', async () => {
    const { client, server } = await connect((response, { path }) =>
      response.end(path === '/json' ? '{"a":[1]}' : '<html>\n  Log in'),
    );
    const json = (path: string) =>
      client.request({ url: server.url + path }, (answer) => answer.json());
    expect(await json('/json')).toEqual({ a: [1] });
    expect(await failure(json('/page'))).toMatchObject({
      kind: 'not-json',
      retryable: false,
      message: `${server.url} gave no JSON: <html> Log in`,
    });
  });

  it('refuses what is no address or no option', async () => {
    const { get } = await connect(good);
    await expect(get({ url: 'ftp://host' })).rejects.toThrow('expected one that begins with http');
    await expect(get({ url: 'nowhere' })).rejects.toThrow(RangeError);
    expect(() => createHttpClient({ timeoutMs: 0 })).toThrow('"timeoutMs" is 0');
    expect(() => createHttpClient({ attempts: 1.5 })).toThrow('"attempts" is 1.5');
    expect(() => createHttpClient({ circuit: { failures: 0 } })).toThrow('"failures" is 0');
  });
});

describe('faults', () => {
  const cutShort = (response: ServerResponse) => {
    response.writeHead(200, { 'content-length': 100 });
    response.write('half', () => response.destroy());
  };
  const trickle = (response: ServerResponse) => {
    const timer = setInterval(() => response.write(' '), 5);
    response.on('close', () => clearInterval(timer));
  };
  const status = (code: number) => (response: ServerResponse) =>
    void response.writeHead(code, { location: '/elsewhere' }).end('why');

  it.each<[string, (response: ServerResponse) => void, string, HttpClientOptions, number]>([
    ['hangs', never, 'timeout', { timeoutMs: 100 }, 3],
    ['trickles', trickle, 'timeout', { timeoutMs: 100 }, 3],
    ['stalls before the head', never, 'stalled', { stallMs: 100 }, 3],
    [
      'stalls in the body',
      (response) => void response.write('begun'),
      'stalled',
      { stallMs: 100 },
      3,
    ],
    ['cuts the connection', (response) => response.destroy(), 'disconnected', {}, 3],
    ['cuts the body', cutShort, 'disconnected', {}, 3],
    ['answers 408', status(408), 'status', {}, 3],
    ['answers 429', status(429), 'status', {}, 3],
    ['answers 500', status(500), 'status', {}, 3],
    ['answers 503', status(503), 'status', {}, 3],
    ['answers 400', status(400), 'status', {}, 1],
    ['answers 401', status(401), 'status', {}, 1],
    ['answers 404', status(404), 'status', {}, 1],
    ['sends elsewhere', status(302), 'status', {}, 1],
  ])('of a server that %s', async (_, answer, kind, options, requests) => {
    const { get, server, events } = await connect(answer, options);
    const error = await failure(get());
    expect(error.kind).toBe(kind);
    expect(error.retryable).toBe(requests > 1);
    expect(server.asked).toHaveLength(requests);
    expect(events).toMatchObject(
      Array.from({ length: requests - 1 }, (_, index) => ({
        type: 'retry',
        attempt: index + 1,
        error: { kind },
        pauseMs: 0,
      })),
    );
    if (kind === 'status') {
      expect(error.answer).toMatchObject({ status: error.status, text: 'why' });
      expect(error.answer!.headers.get('location')).toBe('/elsewhere');
    }
  });

  it('of a server that is not there', async () => {
    const { get, server } = await connect(good);
    await server.close();
    expect(await failure(get())).toMatchObject({ kind: 'refused', retryable: true });
    expect(await failure(get({ url: 'http://server.invalid' }))).toMatchObject({
      kind: 'unresolved',
    });
  });

  it('that pass cost an attempt', async () => {
    const { get, server } = await connect((response, { count }) => {
      if (count === 1) response.destroy();
      else if (count === 2) response.writeHead(500).end();
      else response.end('third');
    });
    expect(await get()).toBe('third');
    expect(server.asked).toHaveLength(3);
    expect(server.asked[2]).toMatchObject({ method: 'GET', path: '/a?b=c' });
  });

  it('of a fetch that does not heed its signal end in time all the same', async () => {
    const { get } = await connect(good, {
      attempts: 1,
      timeoutMs: 50,
      fetch: () => new Promise(() => {}),
    });
    expect((await failure(get())).kind).toBe('timeout');
  });

  it('of whoever reads end the call as they are, unless they ask for another attempt', async () => {
    const { client, server } = await connect(good);
    const own = new Error('own');
    const read = (error: Error) =>
      client.request({ url: server.url }, () => {
        throw error;
      });
    await expect(read(own)).rejects.toBe(own);
    expect(server.asked).toHaveLength(1);
    expect((await failure(read(new HttpError('disconnected', 'too short')))).message).toBe(
      'too short',
    );
    expect(server.asked).toHaveLength(4);
  });
});

describe('a redirection', () => {
  it('is followed where that is wanted, without the token at another origin', async () => {
    const other = await startServer(good);
    closing.push(other.close);
    const { get, server } = await connect((response) =>
      response.writeHead(302, { location: `${other.url}/there` }).end(),
    );
    const headers = { authorization: 'Bearer secret' };
    expect(await get({ headers, redirect: 'follow' })).toBe('good');
    expect(server.asked[0]!.headers.authorization).toBe('Bearer secret');
    expect(other.asked).toMatchObject([{ path: '/there' }]);
    expect(other.asked[0]!.headers).not.toHaveProperty('authorization');
    expect(await failure(get({ headers }))).toMatchObject({ kind: 'status', status: 302 });
    expect(other.asked).toHaveLength(1);
  });
});

describe('the longest answer', () => {
  it.each([
    ['by its length', (response: ServerResponse) => void response.end('x'.repeat(1001))],
    [
      'while it comes',
      (response: ServerResponse) => {
        const timer = setInterval(() => response.write('x'.repeat(100)), 1);
        response.on('close', () => clearInterval(timer));
      },
    ],
    [
      'unpacked',
      (response: ServerResponse) => {
        // 1001 zeros, made by `gzip -9`.
        const packed = 'H4sIAAAAAAACAzMwGAWjYBQMewAAIlLCgOkDAAA=';
        response.writeHead(200, { 'content-encoding': 'gzip' });
        response.end(Buffer.from(packed, 'base64'));
      },
    ],
  ])('is known %s', async (_, answer) => {
    const { get, server } = await connect(answer);
    expect(await failure(get({ maximumBytes: 1000 }))).toMatchObject({
      kind: 'too-large',
      retryable: false,
    });
    expect(server.asked).toHaveLength(1);
  });

  it('may be exactly as long as it may', async () => {
    const { get } = await connect((response) => void response.end('x'.repeat(1000)));
    expect(await get({ maximumBytes: 1000 })).toHaveLength(1000);
  });
});

describe('pauses', () => {
  it('are as long as the server asks, or as chance says if that is longer', async () => {
    const slept: number[] = [];
    const { get, events } = await connect(
      (response, { count }) => {
        if (count === 1) response.writeHead(429, { 'retry-after': '7' }).end();
        else if (count === 2) response.writeHead(503, { 'retry-after': '0' }).end();
        else response.end('good');
      },
      {
        random: () => 0.1,
        sleep: async (milliseconds) => slept.push(milliseconds),
      },
    );
    expect(await get()).toBe('good');
    expect(slept).toEqual([7000, 50]);
    expect(events).toMatchObject([{ pauseMs: 7000 }, { pauseMs: 50 }]);
  });

  it.each([
    ['seconds', () => '3600'],
    ['a date', () => new Date(Date.now() + 3_600_000).toUTCString()],
  ])('of an hour, in %s, are not made', async (_, header) => {
    const { get, server } = await connect(
      (response) => void response.writeHead(503, { 'retry-after': header() }).end(),
    );
    const { retryAfterMs, status } = await failure(get());
    expect(status).toBe(503);
    expect(retryAfterMs).toBeGreaterThan(3_590_000);
    expect(server.asked).toHaveLength(1);
  });

  it('that would outlast the deadline are not made', async () => {
    const { get, server } = await connect(
      (response) => void response.writeHead(503, { 'retry-after': '9' }).end(),
      { deadlineMs: 5000 },
    );
    expect(await failure(get())).toMatchObject({ status: 503 });
    expect(server.asked).toHaveLength(1);
  });
});

describe('a download that goes on where it ended', () => {
  it('asks for the rest each time, and gets its attempts anew with each MiB', async () => {
    const part = 2 ** 20;
    const whole = Buffer.alloc(5 * part, 'abcdefg');
    let done = 0;
    const { client, server } = await connect(
      (response, { headers }) => {
        const from = Number(/^bytes=(\d+)-$/.exec(headers.range ?? '')?.[1] ?? 0);
        response.writeHead(from === 0 ? 200 : 206, { 'content-length': whole.length - from });
        // A part, and the connection is cut.
        response.write(whole.subarray(from, from + part));
        if (from + part >= whole.length) response.end();
        else setTimeout(() => response.destroy(), 20);
      },
      { attempts: 2, timeoutMs: Infinity, stallMs: 10_000 },
    );
    const parts: Uint8Array[] = [];
    await client.request(
      {
        url: server.url,
        headers: (): Record<string, string> => (done === 0 ? {} : { range: `bytes=${done}-` }),
        maximumBytes: Infinity,
        progress: () => done,
      },
      async (answer) => {
        for await (const chunk of answer.chunks()) {
          parts.push(chunk);
          done += chunk.length;
        }
      },
    );
    expect(Buffer.concat(parts).equals(whole)).toBe(true);
    expect(server.asked.length).toBeGreaterThanOrEqual(5);
  });
});

describe('the deadline', () => {
  it('ends attempts and what comes after', async () => {
    const { get, server } = await connect(never, { deadlineMs: 150, timeoutMs: 10_000 });
    expect(await failure(get())).toMatchObject({ kind: 'deadline', retryable: false });
    expect(server.asked).toHaveLength(1);
  });

  it('may be shared by several requests', async () => {
    const { get, server } = await connect(never);
    const deadline = new Deadline(100, () => new HttpError('deadline', 'Together.'));
    expect((await failure(get({ deadline }))).message).toBe('Together.');
    expect((await failure(get({ deadline }))).message).toBe('Together.');
    expect(server.asked).toHaveLength(1);
  });

  it('does not count the waiting in the gate', async () => {
    let waiting: ServerResponse | undefined;
    const { get, server } = await connect(
      (response, { path }) => {
        if (path === '/second') response.end('in time');
        else waiting = response;
      },
      { concurrency: 1 },
    );
    const first = get();
    const deadline = new Deadline(1000);
    const second = get({ url: `${server.url}/second`, deadline });
    while (waiting === undefined) await new Promise((resolve) => setTimeout(resolve, 5));
    // Longer than the second may take.
    await new Promise((resolve) => setTimeout(resolve, 1200));
    expect(deadline.remainingMs).toBe(1000);
    waiting.end('late');
    expect(await Promise.all([first, second])).toEqual(['late', 'in time']);
  });
});

describe('a signal', () => {
  const reason = new Error('no more');

  it('that is aborted already lets nothing out', async () => {
    const { get, server } = await connect(good);
    const error = await failure(get({ signal: AbortSignal.abort(reason) }));
    expect(error).toMatchObject({ kind: 'aborted', retryable: false, cause: reason });
    expect(server.asked).toHaveLength(0);
  });

  it('ends an attempt, and closes its connection', async () => {
    const controller = new AbortController();
    let closed = () => {};
    const gone = new Promise<void>((resolve) => (closed = resolve));
    const { get, server } = await connect((response) => {
      response.on('close', () => closed());
      controller.abort(reason);
    });
    expect(await failure(get({ signal: controller.signal }))).toMatchObject({
      kind: 'aborted',
      cause: reason,
    });
    await gone;
    expect(server.asked).toHaveLength(1);
  });

  it('ends the waiting in the gate', async () => {
    const { get, server } = await connect(never, { concurrency: 1, timeoutMs: 200, attempts: 1 });
    const controller = new AbortController();
    const first = failure(get());
    const second = failure(get({ signal: controller.signal }));
    controller.abort(reason);
    expect((await second).kind).toBe('aborted');
    expect((await first).kind).toBe('timeout');
    expect(server.asked).toHaveLength(1);
  });

  it('ends a pause at once and leaves no timer', async () => {
    const controller = new AbortController();
    const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout');
    const { get, server } = await connect(
      (response) => void response.writeHead(503, { 'retry-after': '25' }).end(),
      { onEvent: () => setTimeout(() => controller.abort(reason), 10) },
    );
    const before = timers().length;
    expect((await failure(get({ signal: controller.signal }))).kind).toBe('aborted');
    expect(timers().length).toBeLessThanOrEqual(before);
    expect(server.asked).toHaveLength(1);
  });

  it('ends the reading of a body', async () => {
    const { client, server } = await connect((response) => void response.write('begun'));
    const controller = new AbortController();
    const read = client.request({ url: server.url, signal: controller.signal }, async (answer) => {
      for await (const chunk of answer.chunks()) {
        expect(chunk.length).toBe(5);
        controller.abort(reason);
      }
    });
    expect((await failure(read)).kind).toBe('aborted');
  });

  it('is let go of when the call has ended', async () => {
    const { get } = await connect(good);
    const { signal } = new AbortController();
    const added = jest.spyOn(signal, 'addEventListener');
    const removed = jest.spyOn(signal, 'removeEventListener');
    await get({ signal });
    expect(added.mock.calls.length).toBeGreaterThan(0);
    const listeners = (calls: readonly unknown[][]) => new Set(calls.map(([, own]) => own));
    for (const listener of listeners(added.mock.calls)) {
      expect(listeners(removed.mock.calls)).toContain(listener);
    }
  });
});

it('lets no connection live on whose answer was not read', async () => {
  const { client, server } = await connect((response) => void response.write('begun'));
  expect(await client.request({ url: server.url }, ({ status }) => status)).toBe(200);
  while ((await server.connections()) > 0) await new Promise((resolve) => setTimeout(resolve, 5));
});

it('asks for no more at once than it may', async () => {
  let underWay = 0;
  let most = 0;
  const { get } = await connect(
    (response) => {
      most = Math.max(most, ++underWay);
      setTimeout(() => {
        underWay--;
        response.end('good');
      }, 5);
    },
    { concurrency: 3 },
  );
  await Promise.all(Array.from({ length: 12 }, () => get()));
  expect(most).toBe(3);
});

describe('the circuit', () => {
  const options = { attempts: 1, circuit: { failures: 2, openMs: 10_000 } };
  afterEach(() => jest.restoreAllMocks());

  it('opens after faults in a row, fails fast, and closes when the server is well', async () => {
    let ill = true;
    const { get, server, events } = await connect(
      (response) => void response.writeHead(ill ? 500 : 200).end('good'),
      options,
    );
    const kinds = [];
    for (let time = 0; time < 4; time++) kinds.push((await failure(get())).kind);
    expect(kinds).toEqual(['status', 'status', 'circuit-open', 'circuit-open']);
    expect(server.asked).toHaveLength(2);
    ill = false;
    const later = Date.now() + 10_000;
    jest.spyOn(Date, 'now').mockReturnValue(later);
    expect(await get()).toBe('good');
    expect(events).toEqual([
      { type: 'circuit', state: 'open' },
      { type: 'circuit', state: 'half-open' },
      { type: 'circuit', state: 'closed' },
    ]);
  });

  it('does not close because the one who tries it gives up', async () => {
    let hangs = false;
    const controller = new AbortController();
    const { get, events } = await connect((response) => {
      if (hangs) controller.abort();
      else response.writeHead(500).end();
    }, options);
    for (let time = 0; time < 2; time++) await failure(get());
    hangs = true;
    const later = Date.now() + 10_000;
    jest.spyOn(Date, 'now').mockReturnValue(later);
    expect((await failure(get({ signal: controller.signal }))).kind).toBe('aborted');
    expect((await failure(get())).kind).toBe('circuit-open');
    expect(events.at(-1)).toEqual({ type: 'circuit', state: 'open' });
  });

  it('stays closed while the server is busy, or whoever asks says that it is no fault', async () => {
    const { get, server } = await connect(
      (response, { count }) => void response.writeHead(count <= 3 ? 503 : 500).end(),
      options,
    );
    for (let time = 0; time < 3; time++) await failure(get());
    for (let time = 0; time < 3; time++) await failure(get({ isFault: () => false }));
    expect(server.asked).toHaveLength(6);
  });
});
