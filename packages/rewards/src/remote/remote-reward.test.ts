import { jpegCompressibility, jpegIncompressibility } from '../jpeg';
import type { RewardInfo } from '../protocol/schemas';
import {
  fixtureImages,
  numberedImage,
  randomImage,
  seededRandom,
} from '../protocol/testing/example-images';
import { numberReward } from '../protocol/testing/example-reward';
import { type Asked, misbehavingServer } from '../protocol/testing/misbehaving-server';
import { encodeWireImage } from '../protocol/wire-image';
import type { Reward, RewardResult } from '../reward';
import { scoreAll } from '../score-all';
import { serveRewards } from '../serve/serve-rewards';
import { remoteReward, type RemoteRewardEvent, type RemoteRewardOptions } from './remote-reward';

const TOKEN = '0123456789abcdef';

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  await Promise.all(closing.splice(0).map((close) => close()));
});

/** A remote reward of a server that misbehaves. Waits between attempts are none, unless `random` says so. */
async function connectTo(
  onScore: (asked: Asked) => void | Promise<void>,
  options: Partial<RemoteRewardOptions> = {},
  info: Partial<RewardInfo> = {},
) {
  const server = await misbehavingServer(onScore, info);
  closing.push(server.close);
  const events: RemoteRewardEvent[] = [];
  const reward = await remoteReward({
    url: server.url,
    random: () => 0,
    onEvent: (event) => events.push(event),
    ...options,
  });
  events.length = 0; // the missing probe's
  return { server, reward, events };
}

function batchOf(numbers: readonly number[]) {
  return { images: numbers.map(numberedImage), prompts: numbers.map(String) };
}

function outcomes(results: readonly RewardResult[]): (number | string)[] {
  return results.map((result) => (result.ok ? result.value : result.kind));
}

const upTo = (count: number) => Array.from({ length: count }, (_, index) => index);

describe('a served reward', () => {
  it('scores as it does in-process, exactly', async () => {
    const rewards = [jpegCompressibility(), jpegIncompressibility()];
    const server = await serveRewards({ rewards, port: 0, token: TOKEN });
    closing.push(server.close);
    const random = seededRandom(2);
    const images = [
      ...(await fixtureImages()).map(({ image }) => image),
      ...upTo(40).map((index) => randomImage(64 - index, 1 + index, random)),
    ];
    const batch = { images, prompts: images.map((_, index) => `prompt ${index}`) };
    for (const local of rewards) {
      const events: RemoteRewardEvent[] = [];
      const remote = await remoteReward({
        url: server.url,
        name: local.name,
        token: TOKEN,
        onEvent: (event) => events.push(event),
      });
      const { name, version, range, batchSize } = local;
      expect(remote).toMatchObject({ name, version, range, batchSize, scope: 'image' });
      expect(await scoreAll(remote, batch)).toEqual(await scoreAll(local, batch));
      expect(events).toEqual([]);
    }
  });

  it('is asked in as many requests as its limits make necessary', async () => {
    const random = seededRandom(5);
    const images = upTo(9).map(() => randomImage(80, 80, random));
    const prompts = images.map((_, index) => 'é"'.repeat(index));
    const local = await scoreAll(jpegCompressibility(), { images, prompts });
    // Of 19 kB a picture and a third more in base64, three fit; of 6400 pixels, two.
    for (const [limits, requests] of [
      [{ maximumBodyBytes: 80_000 }, 3],
      [{ maximumRequestPixels: 12_800 }, 5],
    ] as const) {
      let calls = 0;
      const counted: Reward = {
        ...jpegCompressibility(),
        score: (batch) => {
          calls += 1;
          return jpegCompressibility().score(batch);
        },
      };
      const server = await serveRewards({ rewards: [counted], port: 0, limits });
      closing.push(server.close);
      const events: RemoteRewardEvent[] = [];
      const remote = await remoteReward({
        url: server.url,
        onEvent: (event) => events.push(event),
      });
      calls = 0;
      expect(await scoreAll(remote, { images, prompts })).toEqual(local);
      expect(calls).toBe(requests);
      expect(events).toEqual([]);
    }
  });

  it('keeps its own failures, the images’ order, and a group together', async () => {
    const sizes: number[] = [];
    const local = numberReward({
      scope: 'group',
      score: async ({ images, prompts }) => {
        sizes.push(images.length);
        return images.map((_, index) =>
          index === 1
            ? { ok: false, kind: 'no-shape', message: prompts[index]!, retryable: true }
            : { ok: true, value: index },
        );
      },
    });
    const server = await serveRewards({ rewards: [local], port: 0 });
    closing.push(server.close);
    const remote = await remoteReward({ url: `${server.url}/` });
    const prompts = ['a', 'b', 'a', 'a', 'b'];
    const results = await scoreAll(remote, {
      images: prompts.map(() => numberedImage(0)),
      prompts,
    });
    expect(outcomes(results)).toEqual([0, 0, 'no-shape', 2, 'no-shape']);
    expect(results[2]).toEqual({ ok: false, kind: 'no-shape', message: 'a', retryable: true });
    // Both are under way at once.
    expect(sizes.sort()).toEqual([2, 3]);
  });

  it('is not sent what is no image', async () => {
    const { server, reward } = await connectTo(({ answer }) => answer());
    const broken = { width: 1, height: 1, data: Float32Array.of(0, NaN, 0) };
    const results = await reward.score({
      images: [numberedImage(3), broken, numberedImage(4)],
      prompts: ['', '', ''],
    });
    expect(outcomes(results)).toEqual([3, 'invalid-image', 4]);
    expect(server.asked.map(({ numbers }) => numbers)).toEqual([[3, 4]]);
    expect(await reward.score({ images: [], prompts: [] })).toEqual([]);
    expect(server.asked).toHaveLength(1);
  });
});

describe('connecting', () => {
  const info = { protocol: 1, rewards: [{ name: 'number', version: '1', maximumBatch: 4 }] };

  it('takes what a server says of itself', async () => {
    const server = await misbehavingServer(
      ({ answer }) => answer(),
      {},
      ({ reply }) => reply(200, JSON.stringify({ ...info, more: 'later' })),
    );
    closing.push(server.close);
    const events: RemoteRewardEvent[] = [];
    const reward = await remoteReward({ url: server.url, onEvent: (event) => events.push(event) });
    const range = [-Infinity, Infinity];
    expect(reward).toMatchObject({ name: 'number', version: '1', range, batchSize: 4 });
    expect(events).toEqual([{ type: 'unprobed', reward: 'number' }]);
  });

  it.each([
    ['{"protocol":2}', {}, 'speaks version 2 of the protocol; expected 1'],
    ['{"protocol":1,"rewards":[]}', {}, 'Its /info is wrong at "rewards"'],
    ['[]', {}, 'Its /info is wrong'],
    ['nothing', {}, 'Its /info is not JSON'],
    [JSON.stringify(info), { name: 'other' }, 'has no reward "other"; it has number'],
    [
      JSON.stringify({ ...info, rewards: [info.rewards[0], { ...info.rewards[0], name: 'b' }] }),
      {},
      'several rewards (number, b); pass the name of one',
    ],
  ])('refuses /info %s', async (text, options, message) => {
    const server = await misbehavingServer(
      () => {},
      {},
      ({ reply }) => reply(200, text),
    );
    closing.push(server.close);
    await expect(remoteReward({ url: server.url, ...options })).rejects.toThrow(message);
  });

  it('refuses a server that does not give the answer that it promises', async () => {
    const image = await encodeWireImage(numberedImage(1000));
    const connect = (value: number, onScore = ({ answer }: Asked) => answer()) =>
      connectTo(onScore, {}, { probe: { image, prompt: '', value } });
    await connect(1000);
    await connect(1000 * (1 + 0.9e-3));
    await expect(connect(1000 * (1 + 1.1e-3))).rejects.toThrow(
      'gives 1000 for its known answer of reward "number" and promises 1001.1',
    );
    const failing = ({ answer }: Asked) =>
      answer([{ ok: false, kind: 'x', message: '', retryable: false }]);
    await expect(connect(1000, failing)).rejects.toThrow('gives no score (x)');
    await expect(connect(1000, ({ reply }) => reply(401, '{}'))).rejects.toThrow('(http-401)');
  });

  it('bears with the roundings of a server whose known answer is 0, and with no more', async () => {
    const image = await encodeWireImage(numberedImage(0));
    const connect = (given: number) =>
      connectTo(
        ({ answer }) => answer([{ ok: true, value: given }]),
        {},
        {
          probe: { image, prompt: '', value: 0 },
          range: [-1, 1],
        },
      );
    for (const given of [0, 1e-9, -1e-5, 9e-5]) await connect(given);
    for (const given of [1.1e-4, -0.5]) {
      await expect(connect(given)).rejects.toThrow(`gives ${given} for its known answer`);
    }
  });

  it('says what is wrong with its options', async () => {
    const wrong: [Partial<RemoteRewardOptions>, string][] = [
      [{ url: 'ftp://host' }, 'expected http:// or https://'],
      [{ url: 'nowhere' }, '"nowhere" is no address'],
      [{ url: 'http://user:secret@host' }, 'no user, query or fragment'],
      [{ attempts: 4 }, '"attempts" is 4; expected a whole number from 1 to 3'],
      [{ timeoutMs: 0 }, '"timeoutMs" is 0'],
      [{ circuit: { failures: 0 } }, '"circuit.failures" is 0'],
    ];
    for (const [options, message] of wrong) {
      await expect(remoteReward({ url: 'http://127.0.0.1', ...options })).rejects.toThrow(message);
    }
  });

  it('shows its token, and is refused without', async () => {
    const server = await serveRewards({ rewards: [numberReward()], port: 0, token: TOKEN });
    closing.push(server.close);
    const reward = await remoteReward({ url: server.url, token: TOKEN });
    expect(outcomes(await reward.score(batchOf([8])))).toEqual([8]);
    for (const token of [undefined, `${TOKEN}x`]) {
      const refused = remoteReward({ url: server.url, token });
      await expect(refused).rejects.toThrow(
        'cannot be used (http-401): The reward server answered 401',
      );
      await expect(refused).rejects.not.toThrow(TOKEN);
    }
  });
});

describe('faults of the server', () => {
  const answerNothing = () => {};

  it.each<[string, (asked: Asked) => void, string, number]>([
    ['hangs', answerNothing, 'timeout', 3],
    [
      'trickles',
      ({ outgoing }) => {
        outgoing.writeHead(200, { 'content-type': 'application/json' });
        const timer = setInterval(() => outgoing.write(' '), 5);
        outgoing.on('close', () => clearInterval(timer));
      },
      'timeout',
      3,
    ],
    ['cuts the connection', ({ outgoing }) => outgoing.destroy(), 'disconnected', 3],
    [
      'cuts the connection inside the answer',
      ({ outgoing }) => {
        outgoing.writeHead(200, { 'content-type': 'application/json', 'content-length': 100 });
        outgoing.write('{"results":[{"ok":true,"value":1}]', () => outgoing.destroy());
      },
      'disconnected',
      3,
    ],
    ['answers 500', ({ reply }) => reply(500, 'oh'), 'http-500', 3],
    ['answers 408', ({ reply }) => reply(408, ''), 'http-408', 3],
    ['answers 429', ({ reply }) => reply(429, '{}'), 'http-429', 3],
    ['answers 503', ({ reply }) => reply(503, '{}'), 'http-503', 3],
    ['answers 401', ({ reply }) => reply(401, '{}'), 'http-401', 1],
    ['answers 404', ({ reply }) => reply(404, '{}'), 'http-404', 1],
    ['answers 422', ({ reply }) => reply(422, '{}'), 'http-422', 1],
    ['sends elsewhere', ({ reply }) => reply(307, '', { location: '/info' }), 'http-307', 1],
    ['answers 204', ({ outgoing }) => outgoing.writeHead(204).end(), 'http-204', 1],
    [
      'answers with a page',
      ({ reply }) => reply(200, '<html>Log in</html>', { 'content-type': 'text/html' }),
      'not-json',
      1,
    ],
    ['answers with half a text', ({ reply }) => reply(200, '{"results":['), 'malformed', 1],
    ['gives no results', ({ reply }) => reply(200, '{}'), 'malformed', 1],
    ['gives too few', ({ answer }) => answer([]), 'wrong-count', 1],
    ['gives too many', ({ answer }) => answer([1, 2, 3]), 'wrong-count', 1],
    [
      'gives NaN',
      ({ reply }) =>
        reply(200, '{"results":[{"ok":true,"value":NaN}],"reward":"number","version":"1"}'),
      'non-finite',
      1,
    ],
    ['gives null', ({ answer }) => answer([{ ok: true, value: null }]), 'non-finite', 1],
    ['gives a bare number', ({ answer }) => answer([0.5]), 'malformed', 1],
    ['never stops', ({ reply }) => reply(200, ' '.repeat(2 ** 20)), 'answer-too-large', 1],
    [
      'has another version now',
      ({ reply }) =>
        reply(200, '{"results":[{"ok":true,"value":1}],"reward":"number","version":"2"}'),
      'version-changed',
      1,
    ],
  ])('that %s make no score', async (_, onScore, kind, requests) => {
    const { reward, server, events } = await connectTo(
      onScore,
      kind === 'timeout' ? { timeoutMs: 300 } : {},
    );
    const [result] = await reward.score(batchOf([1]));
    expect(result).toMatchObject({ ok: false, kind });
    expect(result).not.toHaveProperty('value');
    expect(server.asked).toHaveLength(requests);
    expect(new Set(server.asked.map(({ incoming }) => incoming.headers['x-request-id'])).size).toBe(
      1,
    );
    expect(events).toEqual(
      upTo(requests - 1).map((index) => ({ type: 'retry', attempt: index + 1, kind, delayMs: 0 })),
    );
  });

  it('that is not there, at the start and later', async () => {
    const { reward, server } = await connectTo(({ answer }) => answer());
    expect(outcomes(await reward.score(batchOf([1])))).toEqual([1]);
    await server.close();
    const results = await reward.score(batchOf([1, 2]));
    expect(results).toMatchObject([
      { kind: 'refused', retryable: true },
      { kind: 'refused', retryable: true },
    ]);
    const gone = remoteReward({ url: server.url, random: () => 0 });
    await expect(gone).rejects.toThrow('cannot be used (refused)');
    const nowhere = remoteReward({ url: 'http://reward.invalid', random: () => 0, attempts: 1 });
    await expect(nowhere).rejects.toThrow('cannot be used (unresolved)');
  });

  it('that dies in the middle of a run: scores before and after, failures between', async () => {
    let dead = false;
    const { reward } = await connectTo(({ answer, outgoing }) =>
      dead ? void outgoing.destroy() : answer(),
    );
    const values: (number | string)[] = [];
    for (const number of upTo(6)) {
      dead = number === 2 || number === 3;
      values.push(...outcomes(await reward.score(batchOf([number]))));
    }
    // Three attempts each, of which the fifth opened the circuit.
    expect(values).toEqual([0, 1, 'disconnected', 'circuit-open', 'circuit-open', 'circuit-open']);
  });

  it('that are over at the next attempt', async () => {
    const { reward, server } = await connectTo(({ count, answer, reply, outgoing }) => {
      if (count === 1) reply(500, '{"error":{"kind":"internal","message":"Once."}}');
      else if (count === 2) outgoing.destroy();
      else answer();
    });
    expect(outcomes(await reward.score(batchOf([4, 5])))).toEqual([4, 5]);
    expect(server.asked.map(({ numbers }) => numbers)).toEqual([
      [4, 5],
      [4, 5],
      [4, 5],
    ]);
  });
});

describe('waiting', () => {
  it('is as long as the server asks, or as chance says if that is longer', async () => {
    const { reward, events } = await connectTo(
      ({ count, answer, reply }) => {
        if (count === 1) reply(429, '{}', { 'retry-after': '1' });
        else if (count === 2) reply(503, '{}', { 'retry-after': '0' });
        else answer();
      },
      { random: () => 0.1 },
    );
    expect(outcomes(await reward.score(batchOf([1])))).toEqual([1]);
    expect(events).toMatchObject([
      { kind: 'http-429', delayMs: 1000 },
      { kind: 'http-503', delayMs: 50 },
    ]);
  });

  it.each([
    ['3600', () => '3600'],
    ['a date in an hour', () => new Date(Date.now() + 3_600_000).toUTCString()],
  ])(
    'is given up at once when the server asks for more than the deadline: %s',
    async (_, header) => {
      const { reward, server, events } = await connectTo(
        ({ reply }) => reply(429, '{}', { 'retry-after': header() }),
        { deadlineMs: 5_000 },
      );
      expect(await reward.score(batchOf([1]))).toMatchObject([
        { kind: 'http-429', retryable: true },
      ]);
      expect(server.asked).toHaveLength(1);
      expect(events).toEqual([]);
    },
  );

  it('ends with the deadline, in an attempt and before one', async () => {
    const hanging = await connectTo(() => {}, { timeoutMs: 10_000, deadlineMs: 500 });
    const failure = { ok: false, kind: 'deadline', retryable: true };
    expect(await hanging.reward.score(batchOf([1]))).toMatchObject([failure]);
    // The second call waits for the first, which its own time does not count.
    const busy = await connectTo(() => {}, { deadlineMs: 500, concurrency: 1 });
    const both = [busy.reward.score(batchOf([1])), busy.reward.score(batchOf([2]))];
    expect(await Promise.all(both)).toMatchObject([[failure], [failure]]);
    expect(busy.server.asked).toHaveLength(2);
  });

  it('for other calls takes nothing of a call’s own time', async () => {
    // The last waits for longer than the deadline.
    const { reward } = await connectTo(({ answer }) => void setTimeout(answer, 300), {
      concurrency: 1,
      deadlineMs: 1500,
    });
    const results = await Promise.all(upTo(7).map((number) => reward.score(batchOf([number]))));
    expect(results.flatMap(outcomes)).toEqual(upTo(7));
  });

  it('ends with the caller’s patience', async () => {
    const { reward } = await connectTo(() => {});
    const controller = new AbortController();
    const scoring = reward.score(batchOf([1, 2]), { signal: controller.signal });
    setTimeout(() => controller.abort(), 30);
    const failure = { ok: false, kind: 'aborted', retryable: true };
    expect(await scoring).toMatchObject([failure, failure]);
    expect(await reward.score(batchOf([1]), { signal: controller.signal })).toMatchObject([
      failure,
    ]);
  });

  it.each<[string, number, (asked: Asked) => void]>([
    ['an attempt', 1, () => {}],
    ['a pause', 3, ({ reply }) => reply(503, '{}', { 'retry-after': '60' })],
    ['a search', 2, ({ count, reply }) => (count === 1 ? reply(422, '{}') : undefined)],
  ])('ends with the caller’s patience in %s and in line', async (_, last, act) => {
    const controller = new AbortController();
    const { reward, server } = await connectTo(
      (asked) => {
        act(asked);
        if (asked.count === last) setTimeout(() => controller.abort(), 20);
      },
      { concurrency: 1 },
    );
    // More calls than may be under way at once.
    const { signal } = controller;
    const calls = upTo(3).map(() => reward.score(batchOf([1, 2]), { signal }));
    const results = (await Promise.all(calls)).flat();
    expect(outcomes(results)).toEqual(results.map(() => 'aborted'));
    expect(outcomes(await reward.score(batchOf([1]), { signal }))).toEqual(['aborted']);
    expect(server.asked).toHaveLength(last);
  });

  it('is for no more requests at once than allowed', async () => {
    let underWay = 0;
    let most = 0;
    const { reward } = await connectTo(
      async ({ answer }) => {
        most = Math.max(most, ++underWay);
        await new Promise((resolve) => setTimeout(resolve, 5));
        underWay--;
        answer();
      },
      { concurrency: 3 },
    );
    const results = await Promise.all(upTo(20).map((number) => reward.score(batchOf([number]))));
    expect(results.flatMap(outcomes)).toEqual(upTo(20));
    expect(most).toBe(3);
  });
});

describe('a poisoned batch', () => {
  const poison = 11;

  it.each<[string, (asked: Asked) => void, string]>([
    ['fault', ({ reply }) => reply(500, '{}'), 'http-500'],
    ['refusal', ({ reply }) => reply(422, '{}'), 'http-422'],
    ['crash', ({ outgoing }) => void outgoing.destroy(), 'disconnected'],
    ['wrong count', ({ answer }) => answer([]), 'wrong-count'],
  ])('costs one image, whose %s is told', async (_, fail, kind) => {
    const { reward, server } = await connectTo((asked) =>
      asked.numbers.includes(poison) ? fail(asked) : asked.answer(),
    );
    const results = await reward.score(batchOf(upTo(16)));
    expect(outcomes(results)).toEqual(upTo(16).map((n) => (n === poison ? kind : n)));
    // 8, 4, 2 and 1 at a time, twice each, after the first attempts.
    const first = kind === 'http-422' || kind === 'wrong-count' ? 1 : 3;
    expect(server.asked).toHaveLength(first + 8);
  });

  it('is searched with a bounded number of requests', async () => {
    const { reward, server } = await connectTo(({ reply }) => reply(422, '{}'));
    expect(outcomes(await reward.score(batchOf(upTo(64))))).toEqual(upTo(64).map(() => 'http-422'));
    expect(server.asked).toHaveLength(1 + 4 * 6);
  });

  it('is not searched where the images are not the cause, nor where they belong together', async () => {
    const locked = await connectTo(({ reply }) => reply(403, '{}'));
    expect(outcomes(await locked.reward.score(batchOf([1, 2])))).toEqual(['http-403', 'http-403']);
    expect(locked.server.asked).toHaveLength(1);
    const group = await connectTo(({ reply }) => reply(422, '{}'), {}, { scope: 'group' });
    expect(outcomes(await group.reward.score(batchOf([1, 2])))).toEqual(['http-422', 'http-422']);
    expect(group.server.asked).toHaveLength(1);
  });

  it('larger than the server takes is cut until it fits', async () => {
    const server = await serveRewards({
      rewards: [numberReward()],
      port: 0,
      limits: { maximumRequestPixels: 3 },
    });
    closing.push(server.close);
    // The probe would be larger than a request may be.
    const probe = { image: numberedImage(9), prompt: '' };
    const small = await serveRewards({
      rewards: [numberReward()],
      port: 0,
      probe,
      limits: { maximumRequestPixels: 3 },
    });
    closing.push(small.close);
    await expect(remoteReward({ url: server.url })).rejects.toThrow('(http-413)');
    const reward = await remoteReward({ url: small.url });
    expect(outcomes(await reward.score(batchOf(upTo(8))))).toEqual(upTo(8));
  });
});

describe('the circuit', () => {
  it('opens after failures in a row, fails fast, and closes when the server is back', async () => {
    let ill = true;
    const { reward, server, events } = await connectTo(
      ({ answer, reply }) => (ill ? reply(500, '{}') : answer()),
      { attempts: 1, circuit: { failures: 2, openMs: 10_000 } },
    );
    const kinds: (number | string)[] = [];
    for (const number of upTo(4)) kinds.push(...outcomes(await reward.score(batchOf([number]))));
    expect(kinds).toEqual(['http-500', 'http-500', 'circuit-open', 'circuit-open']);
    expect(server.asked).toHaveLength(2);
    ill = false;
    const later = Date.now() + 10_000;
    const clock = jest.spyOn(Date, 'now').mockImplementation(() => later);
    expect(outcomes(await reward.score(batchOf([5])))).toEqual([5]);
    clock.mockRestore();
    expect(events).toEqual([
      { type: 'circuit', state: 'open' },
      { type: 'circuit', state: 'half-open' },
      { type: 'circuit', state: 'closed' },
    ]);
  });

  it('stays closed while the server is only busy, or one image is bad', async () => {
    const { reward } = await connectTo(
      ({ numbers, answer, reply }) => {
        if (numbers.includes(0)) reply(503, '{}');
        else if (numbers.includes(1)) reply(500, '{}');
        else answer();
      },
      { attempts: 1, circuit: { failures: 2 } },
    );
    for (let time = 0; time < 4; time++) await reward.score(batchOf([0]));
    expect(outcomes(await reward.score(batchOf([2, 3, 1, 4])))).toEqual([2, 3, 'http-500', 4]);
    expect(outcomes(await reward.score(batchOf([1, 1, 1, 2])))).toContain(2);
    expect(outcomes(await reward.score(batchOf([5])))).toEqual([5]);
  });
});

it('never rejects, whatever fetch does', async () => {
  const { server } = await connectTo(({ answer }) => answer());
  let broken = false;
  const reward: Reward = await remoteReward({
    url: server.url,
    random: () => 0,
    attempts: 1,
    fetch: async (...given) => {
      if (!broken) return fetch(...given);
      throw 'not even an error' as unknown as Error;
    },
  });
  broken = true;
  expect(await reward.score(batchOf([1]))).toMatchObject([{ kind: 'transport', retryable: true }]);
  const deaf = await remoteReward({
    url: server.url,
    attempts: 1,
    timeoutMs: 500,
    // Takes no notice of its signal.
    fetch: async (url, init) =>
      init?.method === 'POST' ? new Promise(() => {}) : fetch(url, init),
  });
  expect(await deaf.score(batchOf([1]))).toMatchObject([{ kind: 'timeout' }]);
});
