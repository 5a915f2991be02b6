import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

import type { Image } from '../image';
import { decodePicture } from '../png';
import type { RewardFailure } from '../reward';
import { scoreAll } from '../score-all';
import { judgeReward, type JudgeRewardOptions } from './judge-reward';

interface Asked {
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: {
    readonly model: string;
    readonly messages: readonly { readonly role: string; readonly content: unknown }[];
  } & Readonly<Record<string, unknown>>;
}

type Answer = (response: ServerResponse, asked: Asked) => void;

/** Answers in turn, the last of them from then on. */
let answers: Answer[] = [];
let asked: Asked[] = [];

const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const body = JSON.parse(Buffer.concat(chunks).toString()) as Asked['body'];
    const now = { path: request.url!, headers: request.headers, body };
    asked.push(now);
    const answer = answers.length > 1 ? answers.shift()! : answers[0]!;
    answer(response, now);
  });
});
let url = '';

beforeAll(async () => {
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
});
beforeEach(() => {
  asked = [];
});
afterAll(async () => {
  server.closeAllConnections();
  await new Promise((closed) => server.close(closed));
});

const reply =
  (status: number, body: string, headers: Record<string, string> = {}): Answer =>
  (response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(body);
  };

/** A completion as such a server gives it, with these probabilities for its first token. */
function completion(probabilities: Readonly<Record<string, number>>): string {
  const top_logprobs = Object.entries(probabilities).map(([token, probability]) => ({
    token,
    logprob: Math.log(probability),
    bytes: [...Buffer.from(token)],
  }));
  const { token } = top_logprobs[0]!;
  return JSON.stringify({
    id: 'chatcmpl-1',
    object: 'chat.completion',
    choices: [
      {
        index: 0,
        message: { role: 'assistant', content: token },
        logprobs: { content: [{ ...top_logprobs[0], top_logprobs }] },
        finish_reason: 'length',
      },
    ],
  });
}

const yes = reply(200, completion({ Yes: 0.6, No: 0.2 }));
const image: Image = {
  width: 3,
  height: 2,
  data: Uint8Array.from({ length: 18 }, (_, index) => 14 * index),
};

async function judgeOne(options: Partial<JudgeRewardOptions> = {}, prompt = 'a red circle') {
  const reward = judgeReward({ url, model: 'eye-2', attempts: 1, ...options });
  const [result] = await scoreAll(reward, { images: [image], prompts: [prompt] });
  return result!;
}

it('is P(Yes) / (P(Yes) + P(No))', async () => {
  answers = [yes];
  const result = await judgeOne();
  expect(result).toMatchObject({ ok: true });
  if (!result.ok) return;
  expect(result.value).toBeCloseTo(0.75, 14);
  expect(result.components!['yes']).toBeCloseTo(0.6, 14);
  expect(result.components!['no']).toBeCloseTo(0.2, 14);
});

it('asks for one token at temperature 0, with the picture lossless and the prompt fenced in', async () => {
  answers = [yes];
  await judgeOne({ apiKey: 'secret-key', topLogprobs: 7, extra: { seed: 3 } }, 'two "cats"');
  const [{ path, headers, body }] = asked as [Asked];
  expect(path).toBe('/v1/chat/completions');
  expect(headers.authorization).toBe('Bearer secret-key');
  expect(body).toMatchObject({
    model: 'eye-2',
    temperature: 0,
    max_tokens: 1,
    logprobs: true,
    top_logprobs: 7,
    seed: 3,
  });
  const [system, user] = body.messages as [
    { role: string; content: string },
    { role: string; content: [{ image_url: { url: string } }, { text: string }] },
  ];
  expect(system).toMatchObject({ role: 'system', content: expect.stringContaining('Yes or No') });
  expect(user.role).toBe('user');
  expect(user.content[1].text).toMatch(/<(prompt-[0-9a-f]{16})>\ntwo "cats"\n<\/\1>$/);
  const [, png] = /^data:image\/png;base64,(.+)$/.exec(user.content[0].image_url.url)!;
  await expect(decodePicture(Buffer.from(png!, 'base64'))).resolves.toEqual(image);
});

it('sends no key where there is none', async () => {
  answers = [yes];
  await judgeOne();
  expect(asked[0]!.headers).not.toHaveProperty('authorization');
});

it('takes the key from the environment', async () => {
  answers = [yes];
  process.env['JUDGE_TEST_KEY'] = 'from-outside';
  try {
    await judgeOne({ apiKeyEnv: 'JUDGE_TEST_KEY' });
  } finally {
    delete process.env['JUDGE_TEST_KEY'];
  }
  expect(asked[0]!.headers.authorization).toBe('Bearer from-outside');
});

it('keeps each score with its image', async () => {
  answers = [
    (response, { body }) => {
      const text = JSON.stringify(body.messages);
      const share = Number(/a (\d) cat/.exec(text)![1]) / 10;
      // The first to come is the last to be answered.
      setTimeout(
        () => reply(200, completion({ Yes: share, No: 1 - share }))(response, asked[0]!),
        100 - 100 * share,
      );
    },
  ];
  const prompts = ['a 1 cat', 'a 3 cat', 'a 5 cat', 'a 9 cat'];
  const reward = judgeReward({ url, model: 'eye-2' });
  const results = await scoreAll(reward, { images: prompts.map(() => image), prompts });
  const values = results.map((result) => (result.ok ? result.value : Number.NaN));
  for (const [index, expected] of [0.1, 0.3, 0.5, 0.9].entries()) {
    expect(values[index]).toBeCloseTo(expected, 14);
  }
});

const cutShort: Answer = (response) => {
  response.writeHead(200, { 'content-length': '1000' }).write('{"choices": [', () => {
    response.destroy();
  });
};

const faults: [name: string, answer: Answer, kind: string, retryable: boolean][] = [
  ['401', reply(401, '{"error": "bad key"}'), 'unauthorised', false],
  ['403', reply(403, ''), 'unauthorised', false],
  ['400', reply(400, '{"error": "top_logprobs is at most 5"}'), 'http-error', false],
  ['404', reply(404, 'no such page'), 'http-error', false],
  ['408', reply(408, ''), 'http-error', true],
  ['429', reply(429, 'slow down'), 'rate-limited', true],
  ['500', reply(500, '<html>oops</html>'), 'http-error', true],
  ['503', reply(503, ''), 'http-error', true],
  [
    'a page of HTML',
    reply(200, '<!doctype html><title>Hello</title>'),
    'malformed-response',
    false,
  ],
  ['an empty body', reply(200, ''), 'malformed-response', false],
  [
    'NaN',
    reply(200, completion({ Yes: 1 }).replace(/"logprob":[^,]*/g, '"logprob":NaN')),
    'malformed-response',
    false,
  ],
  [
    'half of the JSON',
    reply(200, completion({ Yes: 1 }).slice(0, 90)),
    'malformed-response',
    false,
  ],
  ['half of the body', cutShort, 'network', true],
  ['a closed connection', (response) => void response.destroy(), 'network', true],
  ['a redirection', reply(302, '', { location: 'http://127.0.0.1:1/' }), 'http-error', false],
  ['far too much', reply(200, ' '.repeat(2 ** 20 + 1)), 'malformed-response', false],
  [
    'no log-probabilities',
    reply(200, '{"choices": [{"message": {"content": "Yes"}}]}'),
    'no-logprobs',
    false,
  ],
  ['something else', reply(200, completion({ Well: 0.9, Hmm: 0.1 })), 'no-verdict', false],
];

it.each(faults)('fails on %s', async (_, answer, kind, retryable) => {
  answers = [answer];
  expect(await judgeOne()).toMatchObject({ ok: false, kind, retryable });
});

it('fails on a server that does not answer in time', async () => {
  answers = [() => undefined];
  const result = await judgeOne({ timeoutMs: 50 });
  expect(result).toMatchObject({ ok: false, kind: 'timeout', retryable: true });
});

it('fails on a server that begins to answer and stops', async () => {
  answers = [(response) => void response.writeHead(200).write('{')];
  const result = await judgeOne({ timeoutMs: 100 });
  expect(result).toMatchObject({ ok: false, kind: 'timeout', retryable: true });
});

it('fails where there is no server', async () => {
  const result = await judgeOne({ url: 'http://127.0.0.1:1/v1' });
  expect(result).toMatchObject({ ok: false, kind: 'network', retryable: true });
});

it('gives up when nobody waits any more', async () => {
  const controller = new AbortController();
  answers = [() => controller.abort()];
  const reward = judgeReward({ url, model: 'eye-2' });
  const batch = { images: [image], prompts: ['a cat'] };
  const [result] = await reward.score(batch, { signal: controller.signal });
  expect(result).toMatchObject({ ok: false, kind: 'aborted' });
  expect(asked).toHaveLength(1);
});

it.each<[string, Answer]>([
  ['a hanging server', () => undefined],
  ['a server that asks for a pause', reply(503, '', { 'retry-after': '25' })],
])('is over with its signal, beside %s and in line', async (_, answer) => {
  const controller = new AbortController();
  answers = [
    (response, now) => {
      answer(response, now);
      if (asked.length === 2) setTimeout(() => controller.abort(), 20);
    },
  ];
  const reward = judgeReward({ url, model: 'eye-2', concurrency: 2 });
  const images = Array.from({ length: 9 }, () => image);
  const results = await scoreAll(
    reward,
    { images, prompts: images.map(() => '') },
    { signal: controller.signal },
  );
  expect(results).toHaveLength(9);
  for (const result of results) {
    expect(result).toMatchObject({ ok: false, kind: 'aborted', retryable: true });
  }
  expect(asked).toHaveLength(2);
});

it('asks no more at once than its concurrency, however many calls there are', async () => {
  let underWay = 0;
  let most = 0;
  answers = [
    (response, now) => {
      most = Math.max(most, ++underWay);
      setTimeout(() => {
        underWay--;
        yes(response, now);
      }, 5);
    },
  ];
  const reward = judgeReward({ url, model: 'eye-2', concurrency: 2 });
  const batch = { images: [image, image, image], prompts: ['', '', ''] };
  await Promise.all([1, 2, 3].map(() => reward.score(batch)));
  expect(asked).toHaveLength(9);
  expect(most).toBe(2);
});

it('asks again after a fault that passes, when the server says so', async () => {
  answers = [reply(429, '', { 'retry-after': '0' }), reply(503, '', { 'retry-after': '0' }), yes];
  expect(await judgeOne({ attempts: 3 })).toMatchObject({ ok: true });
  expect(asked).toHaveLength(3);
});

it('does not ask again after a fault that stays', async () => {
  answers = [reply(401, ''), yes];
  expect(await judgeOne({ attempts: 3 })).toMatchObject({ ok: false, kind: 'unauthorised' });
  expect(asked).toHaveLength(1);
});

it('does not wait an hour for a server that asks for it', async () => {
  answers = [reply(429, '', { 'retry-after': '3600' }), yes];
  expect(await judgeOne({ attempts: 3 })).toMatchObject({ ok: false, kind: 'rate-limited' });
  expect(asked).toHaveLength(1);
});

it('does not repeat the key that a server repeats', async () => {
  answers = [reply(401, 'Incorrect API key: secret-key.')];
  const { message } = (await judgeOne({ apiKey: 'secret-key' })) as RewardFailure;
  expect(message).toContain('Incorrect API key: ***.');
});

it('has a version that names what is asked of whom', () => {
  const versions = [
    judgeReward({ url, model: 'eye-2' }),
    judgeReward({ url, model: 'eye-3' }),
    judgeReward({ url, model: 'eye-2', rubric: 'aesthetics' }),
    judgeReward({ url, model: 'eye-2', rubric: { question: 'Is it blue?' } }),
    judgeReward({ url: 'http://localhost:1/v1', model: 'eye-2' }),
    judgeReward({ url, model: 'eye-2', topLogprobs: 5 }),
    judgeReward({ url, model: 'eye-2', extra: { seed: 1 } }),
  ].map(({ version }) => version);
  expect(new Set(versions).size).toBe(versions.length);
  expect(versions[0]).toBe(judgeReward({ url: `${url}/`, model: 'eye-2', apiKey: 'k' }).version);
  expect(versions[0]).toContain('eye-2');
});

it('is cached by nobody unless the caller vouches for it', () => {
  expect(judgeReward({ url, model: 'eye-2' }).deterministic).toBe(false);
  expect(judgeReward({ url, model: 'eye-2', deterministic: true }).deterministic).toBe(true);
});

it.each(['localhost:8000', 'ftp://judge/v1', 'http://me:secret@judge/v1', ''])(
  'refuses the URL %j',
  (wrong) => {
    expect(() => judgeReward({ url: wrong, model: 'eye-2' })).toThrow(/The judge's URL is/);
  },
);

it('says which environment variable is missing', () => {
  expect(() => judgeReward({ url, model: 'eye-2', apiKeyEnv: 'NO_SUCH_KEY' })).toThrow(
    /environment variable NO_SUCH_KEY is not set/,
  );
});
