import { setTimeout as sleep } from 'node:timers/promises';

import { jpegCompressibility, jpegIncompressibility } from '../jpeg';
import { scoreAnswerSchema, infoSchema, type ScoreRequest } from '../protocol/schemas';
import {
  fixtureImages,
  numberedImage,
  randomImage,
  seededRandom,
} from '../protocol/testing/example-images';
import { numberReward } from '../protocol/testing/example-reward';
import { encodeWireImage } from '../protocol/wire-image';
import type { Reward } from '../reward';
import { scoreAll } from '../score-all';
import { type RewardServer, serveRewards, type ServeRewardsOptions } from './serve-rewards';

const TOKEN = 'a token that is not short'.replaceAll(' ', '-');

let server: RewardServer | undefined;
afterEach(async () => {
  await server?.close({ graceMs: 0 });
  server = undefined;
});

async function start(rewards: Reward[], options: Partial<ServeRewardsOptions> = {}) {
  server = await serveRewards({ rewards, port: 0, ...options });
  return server.url;
}

async function requestOf(numbers: readonly number[]): Promise<ScoreRequest> {
  const images = await Promise.all(numbers.map((n) => encodeWireImage(numberedImage(n))));
  return { images, prompts: numbers.map(String) };
}

async function post(url: string, body: unknown, headers: Record<string, string> = {}) {
  return fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
}

async function errorOf(response: Response) {
  const { error } = (await response.json()) as { error: { kind: string; message: string } };
  return { status: response.status, ...error };
}

it('gives Pillow’s sizes for Pillow’s pictures, and what is given in-process for any other', async () => {
  const rewards = [jpegCompressibility(), jpegIncompressibility()];
  const url = await start(rewards);
  const fixtures = await fixtureImages();
  const random = seededRandom(1);
  const images = [
    ...fixtures.map(({ image }) => image),
    ...Array.from({ length: 12 }, (_, index) => randomImage(1 + index * 7, 40 - index, random)),
  ];
  const prompts = images.map(() => '');
  const body = { images: await Promise.all(images.map(encodeWireImage)), prompts };
  for (const reward of rewards) {
    const response = await post(`${url}/v1/rewards/${reward.name}/score`, body);
    expect(response.status).toBe(200);
    const { results, ...rest } = scoreAnswerSchema.parse(await response.json());
    expect(rest).toEqual({ reward: reward.name, version: reward.version });
    expect(results).toEqual(await scoreAll(reward, { images, prompts }));
  }
  const response = await post(`${url}/v1/rewards/jpeg-incompressibility/score`, body);
  const { results } = scoreAnswerSchema.parse(await response.json());
  expect(results.slice(0, fixtures.length)).toEqual(
    fixtures.map(({ jpegBytes: bytes }) => ({
      ok: true,
      value: bytes / 1000,
      components: { bytes },
    })),
  );
});

it('answers 200 requests at once: none lost, mixed up or scored twice, and no more at once than allowed', async () => {
  let underWay = 0;
  let most = 0;
  const seen: string[] = [];
  const inner = numberReward();
  const reward = numberReward({
    concurrency: 3,
    batchSize: 4,
    async score(batch) {
      underWay++;
      most = Math.max(most, underWay);
      seen.push(...batch.prompts);
      await sleep(1);
      underWay--;
      return inner.score(batch);
    },
  });
  const url = await start([reward]);
  seen.length = 0; // the probe's
  const bodies = await Promise.all(
    Array.from({ length: 200 }, (_, index) => {
      const count = 1 + (index % 7);
      return requestOf(Array.from({ length: count }, (_, image) => index * 10 + image));
    }),
  );
  let longestQueue = 0;
  let answered = false;
  const watch = async () => {
    while (!answered) {
      const text = await (await fetch(`${url}/metrics`)).text();
      const line = /^loop_rewards_queue_length\{.*\} (\d+)$/m.exec(text);
      longestQueue = Math.max(longestQueue, Number(line?.[1]));
      await sleep(5);
    }
  };
  const watched = watch();
  const answers = await Promise.all(
    bodies.map(async (body, index) => {
      const id = `request-${index}`;
      const response = await post(`${url}/v1/score`, body, { 'x-request-id': id });
      expect([response.status, response.headers.get('x-request-id')]).toEqual([200, id]);
      return scoreAnswerSchema.parse(await response.json()).results;
    }),
  );
  answered = true;
  await watched;
  for (const [index, results] of answers.entries()) {
    expect(results).toEqual(bodies[index]!.prompts.map((n) => ({ ok: true, value: Number(n) })));
  }
  expect([...seen].sort()).toEqual(bodies.flatMap(({ prompts }) => prompts).sort());
  expect(most).toBe(3);
  expect(longestQueue).toBeLessThanOrEqual(256);
});

it('refuses what the line is too short for, and serves the others', async () => {
  let release = () => {};
  const released = new Promise<void>((resolve) => (release = resolve));
  const inner = numberReward();
  let asked = 0;
  const reward = numberReward({
    async score(batch) {
      // The probe is asked for before there is a server.
      if (asked++ > 0) await released;
      return inner.score(batch);
    },
  });
  // One is scored, one unpacked, three wait.
  const url = await start([reward], { limits: { queue: 3 } });
  const pending = Array.from({ length: 20 }, async (_, index) =>
    post(`${url}/v1/score`, await requestOf([index])),
  );
  let refused = 0;
  for (const one of pending) void one.then(() => refused++);
  while (refused < 15) await sleep(5);
  const text = await (await fetch(`${url}/metrics`)).text();
  expect(text).toContain('loop_rewards_queue_length{reward="number"} 3');
  expect(text).toContain('loop_rewards_under_way{reward="number"} 2');
  release();
  const responses = await Promise.all(pending);
  const served = responses.filter(({ status }) => status === 200);
  const busy = responses.filter(({ status }) => status === 503);
  expect([served.length, busy.length]).toEqual([5, 15]);
  for (const response of busy) {
    expect(response.headers.get('retry-after')).toBe('1');
    expect(await errorOf(response)).toMatchObject({ kind: 'busy' });
  }
});

it('says what it serves, with an answer that can be checked', async () => {
  const unsteady = numberReward({ name: 'unsteady', deterministic: false, range: [-Infinity, 7] });
  const group = numberReward({ name: 'group', scope: 'group' });
  const broken = numberReward({ name: 'broken', score: () => Promise.reject(new Error('no')) });
  const url = await start([jpegIncompressibility(), unsteady, group, broken]);
  const info = infoSchema.parse(await (await fetch(`${url}/info`)).json());
  expect(info).toMatchObject({
    protocol: 1,
    rewards: [
      { name: 'jpeg-incompressibility', version: '1', range: [0, null], maximumBatch: 16 },
      { name: 'unsteady', range: [null, 7], deterministic: false, probe: null },
      { name: 'group', scope: 'group', deterministic: true, probe: null },
      { name: 'broken', probe: null },
    ],
    limits: { maximumImages: 256 },
  });
  const { image, prompt, value } = info.rewards[0]!.probe!;
  const path = `${url}/v1/rewards/jpeg-incompressibility/score`;
  const answer = await post(path, { images: [image], prompts: [prompt] });
  expect(await answer.json()).toMatchObject({ results: [{ ok: true, value }] });
});

it('makes a failure of each image that is broken, and scores the others', async () => {
  const url = await start([numberReward()]);
  const { images } = await requestOf([5, 6]);
  const [five = '', six = ''] = images;
  const broken = ['', 'no base64!', Buffer.from('GIF89a').toString('base64'), five.slice(0, 64)];
  const response = await post(`${url}/v1/score`, {
    images: [five, ...broken, six],
    prompts: ['', '', '', '', '', ''],
  });
  expect(response.status).toBe(200);
  const { results } = scoreAnswerSchema.parse(await response.json());
  expect(results).toMatchObject([
    { ok: true, value: 5 },
    ...broken.map(() => ({ ok: false, kind: 'invalid-image', retryable: false })),
    { ok: true, value: 6 },
  ]);
});

it('passes failures on, hides what is not finite, and counts both', async () => {
  const reward = numberReward({
    score: async ({ images }) =>
      images.map((_, index) =>
        index === 0
          ? { ok: true, value: NaN }
          : { ok: true, value: 1, components: { fine: 2, broken: NaN } },
      ),
  });
  const url = await start([reward]);
  const response = await post(`${url}/v1/score`, await requestOf([1, 2]));
  expect(await response.json()).toMatchObject({
    results: [
      { ok: false, kind: 'non-finite' },
      { ok: true, value: 1, components: { fine: 2 } },
    ],
  });
  const metrics = await fetch(`${url}/metrics`);
  expect(metrics.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
  const text = await metrics.text();
  expect(text).toContain('loop_rewards_images_total{reward="number"} 2');
  expect(text).toContain('loop_rewards_failures_total{reward="number",kind="non-finite"} 1');
  expect(text).toContain('loop_rewards_requests_total{path="/v1/score",status="200"} 1');
  expect(text).toContain('loop_rewards_score_seconds_count{reward="number"} 1');
});

it('lets in who shows the token, and tells anybody that it is there', async () => {
  const url = await start([numberReward()], { token: TOKEN });
  const body = await requestOf([1]);
  expect((await fetch(`${url}/health`)).status).toBe(200);
  for (const authorization of [undefined, 'Bearer', 'Bearer wrong', `Basic ${TOKEN}`]) {
    const headers: Record<string, string> = authorization === undefined ? {} : { authorization };
    const response = await post(`${url}/v1/score`, body, headers);
    expect(response.headers.get('www-authenticate')).toBe('Bearer');
    expect(await errorOf(response)).toMatchObject({ status: 401, kind: 'unauthorised' });
    for (const path of ['info', 'metrics', 'openapi.json', 'nothing']) {
      expect((await fetch(`${url}/${path}`, { headers })).status).toBe(401);
    }
  }
  const response = await post(`${url}/v1/score`, body, { authorization: `Bearer ${TOKEN}` });
  expect(response.status).toBe(200);
});

it('is not started where others could use it, or where it makes no sense', async () => {
  const rewards = [numberReward()];
  const sentences: [Partial<ServeRewardsOptions>, string][] = [
    [{ host: '0.0.0.0' }, 'needs a token'],
    [{ token: 'short' }, 'expected at least 16'],
    [{ rewards: [] }, 'There is no reward to serve'],
    [{ rewards: [...rewards, ...rewards] }, 'Two rewards are called "number"'],
    [{ limits: { queue: -1 } }, 'The limit "queue" is -1'],
  ];
  for (const [options, message] of sentences) {
    await expect(serveRewards({ rewards, port: 0, ...options })).rejects.toThrow(message);
  }
  const url = new URL(await start(rewards));
  await expect(serveRewards({ rewards, port: Number(url.port) })).rejects.toThrow('EADDRINUSE');
});

it('tells the reward when the client has gone', async () => {
  let aborted = () => {};
  const wasAborted = new Promise<void>((resolve) => (aborted = resolve));
  let started = () => {};
  const hasStarted = new Promise<void>((resolve) => (started = resolve));
  let asked = 0;
  const inner = numberReward();
  const reward = numberReward({
    async score(batch, { signal } = {}) {
      if (asked++ === 1) {
        started();
        await new Promise<void>((resolve) => signal!.addEventListener('abort', () => resolve()));
        aborted();
      }
      return inner.score(batch);
    },
  });
  const url = await start([reward]);
  const controller = new AbortController();
  const headers = { 'content-type': 'application/json' };
  const body = JSON.stringify(await requestOf([1]));
  const lost = fetch(`${url}/v1/score`, {
    method: 'POST',
    headers,
    body,
    signal: controller.signal,
  });
  await hasStarted;
  controller.abort();
  await expect(lost).rejects.toThrow();
  await wasAborted;
  expect((await post(`${url}/v1/score`, body)).status).toBe(200);
});

it('gives a reward up that takes too long', async () => {
  let asked = 0;
  const inner = numberReward();
  const reward = numberReward({
    concurrency: 2,
    score: async (batch) => (asked++ === 1 ? new Promise(() => {}) : inner.score(batch)),
  });
  const url = await start([reward], { limits: { scoreMs: 50 } });
  const response = await post(`${url}/v1/score`, await requestOf([1]));
  expect(await errorOf(response)).toMatchObject({ status: 504, kind: 'timeout' });
  expect((await post(`${url}/v1/score`, await requestOf([2]))).status).toBe(200);
});

describe('close', () => {
  it('finishes what is under way, takes nothing more, and closes', async () => {
    let release = () => {};
    const released = new Promise<void>((resolve) => (release = resolve));
    let started = () => {};
    const hasStarted = new Promise<void>((resolve) => (started = resolve));
    let asked = 0;
    const inner = numberReward();
    const reward = numberReward({
      async score(batch) {
        if (asked++ > 0) {
          started();
          await released;
        }
        return inner.score(batch);
      },
    });
    const url = await start([reward]);
    const underWay = post(`${url}/v1/score`, await requestOf([7]));
    await hasStarted;
    const closed = server!.close();
    await expect(fetch(`${url}/health`)).rejects.toThrow();
    release();
    const response = await underWay;
    expect(response.headers.get('connection')).toBe('close');
    expect(await response.json()).toMatchObject({ results: [{ ok: true, value: 7 }] });
    await closed;
    await server!.close();
  });

  it('gives up what does not end in time', async () => {
    let started = () => {};
    const hasStarted = new Promise<void>((resolve) => (started = resolve));
    let asked = 0;
    const inner = numberReward();
    const reward = numberReward({
      async score(batch) {
        if (asked++ === 0) return inner.score(batch);
        started();
        return new Promise(() => {});
      },
    });
    const url = await start([reward]);
    const underWay = post(`${url}/v1/score`, await requestOf([7]));
    await hasStarted;
    await server!.close({ graceMs: 20 });
    expect(await errorOf(await underWay)).toMatchObject({ status: 503, kind: 'stopping' });
  });
});

describe('the bytes that a server holds', () => {
  const random = seededRandom(3);
  /** 19,200 bytes of pixels, and as many again in base64 and in its PNG. */
  const large = () => encodeWireImage(randomImage(80, 80, random));

  it('are those of pixels too: a request that alone has more is refused for good', async () => {
    const url = await start([numberReward()], { limits: { maximumHeldBytes: 64_000 } });
    const images = [await large()];
    // Two times 25,700 for the body, and 19,200 for the pixels.
    const refused = await post(`${url}/v1/score`, { images, prompts: [''] });
    expect(await errorOf(refused)).toMatchObject({ status: 413, kind: 'too-large' });
    expect((await post(`${url}/v1/score`, await requestOf([7]))).status).toBe(200);
  });

  it('are shared: what is too much for now may come again, and nothing stays behind', async () => {
    let finish = () => {};
    let started = () => {};
    const hasStarted = new Promise<void>((resolve) => (started = resolve));
    const mayFinish = new Promise<void>((resolve) => (finish = resolve));
    const reward = numberReward({
      deterministic: false, // asked for no known answer at the start
      score: async ({ images }) => {
        started();
        await mayFinish;
        return images.map(() => ({ ok: true, value: 1 }));
      },
    });
    const url = await start([reward], { limits: { maximumHeldBytes: 100_000 } });
    const request = { images: [await large()], prompts: [''] };
    const first = post(`${url}/v1/score`, request);
    await hasStarted;
    const second = await post(`${url}/v1/score`, request);
    expect(second.headers.get('retry-after')).toBe('1');
    expect(await errorOf(second)).toMatchObject({ status: 503, kind: 'busy' });
    finish();
    expect((await first).status).toBe(200);
    for (let time = 0; time < 3; time++) {
      expect((await post(`${url}/v1/score`, request)).status).toBe(200);
    }
  });
});

it('shortens what a reward says of its failures, as it may repeat what it was asked', async () => {
  const url = await start([
    numberReward({
      score: async ({ prompts }) =>
        prompts.map((prompt) => ({
          ok: false,
          kind: 'k'.repeat(100),
          message: `No: ${prompt}`,
          retryable: false,
        })),
    }),
  ]);
  const images = [await encodeWireImage(numberedImage(1))];
  const response = await post(`${url}/v1/score`, { images, prompts: ['x'.repeat(8192)] });
  const { results } = (await response.json()) as { results: { kind: string; message: string }[] };
  expect(results[0]!.kind).toHaveLength(64);
  expect(results[0]!.message).toMatch(/^No: x{995}…$/);
});
