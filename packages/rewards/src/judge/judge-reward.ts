import { createHash } from 'node:crypto';

import { createHttpClient } from '@loop-diffusion/http';

import type { Image } from '../image';
import { encodePng } from '../png';
import { type Reward, rewardFailure, type RewardResult } from '../reward';
import { judgeFailure } from './judge-failure';
import { fillIn, INSTRUCTIONS, questionOf, type Rubric } from './rubric';
import { readVerdict } from './verdict';

export interface JudgeRewardOptions {
  /** Where the OpenAI-compatible interface is, such as `http://localhost:8000/v1`. */
  readonly url: string;
  /** Name of a model that sees images. */
  readonly model: string;
  /** Name of the environment variable that holds the API key. */
  readonly apiKeyEnv?: string | undefined;
  /** The API key itself; neither of the two for a server that wants none. */
  readonly apiKey?: string | undefined;
  /** What is asked about each image; `alignment` when left out. */
  readonly rubric?: Rubric | undefined;
  /** For one attempt; 60 000 when left out. */
  readonly timeoutMs?: number | undefined;
  /** How often is asked at most; 3 when left out. */
  readonly attempts?: number | undefined;
  /** Requests at once, over all calls of the reward; 4 when left out. */
  readonly concurrency?: number | undefined;
  /** How many likeliest words the server is to name; 20, the interface's most, when left out. */
  readonly topLogprobs?: number | undefined;
  /**
   * True where the same question always gets the same probabilities, so that they may be cached;
   * false when left out, as most servers batch what comes in.
   */
  readonly deterministic?: boolean | undefined;
  /** Further fields of the request, for what a server wants besides. */
  readonly extra?: Readonly<Record<string, unknown>> | undefined;
}

/** A completion of one token takes a few kilobytes. */
const LARGEST_ANSWER = 2 ** 20;

function endpoint(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.username !== '') {
    throw new Error(
      `The judge's URL is ${JSON.stringify(text)}; expected one like http://localhost:8000/v1, without a user.`,
    );
  }
  const path = url.pathname.replace(/\/+$/, '');
  url.pathname = path.endsWith('/chat/completions') ? path : `${path}/chat/completions`;
  return url.href;
}

function keyOf({ apiKey, apiKeyEnv }: JudgeRewardOptions): string | undefined {
  if (apiKey !== undefined || apiKeyEnv === undefined) return apiKey;
  const key = process.env[apiKeyEnv];
  if (key === undefined || key === '') {
    throw new Error(
      `The environment variable ${apiKeyEnv} is not set; put the judge's API key there.`,
    );
  }
  return key;
}

/**
 * A vision-language model as a judge, behind any OpenAI-compatible chat completions endpoint: it is
 * asked a question to be answered by Yes or No, and the score is P(Yes) / (P(Yes) + P(No)) of its
 * first token at temperature 0 ({@link readVerdict}), as in VQAScore (Lin et al. 2024).
 *
 * The image is sent as a lossless PNG. Prompts are untrusted: they are fenced in and the judge is
 * told not to follow them ({@link fillIn}), which makes it harder, not impossible, for a prompt to
 * ask for a good score.
 *
 * Failures: `timeout`, `network`, `rate-limited`, `unauthorised`, `http-error`,
 * `malformed-response`, `no-logprobs`, `no-verdict`, `aborted`. Faults of transport and the statuses
 * 408, 429 and 5xx are tried again; `Retry-After` is kept to, up to 30 s. The environment's proxy is asked, but for a judge
 * on this machine.
 *
 * @throws {Error} when the URL or rubric is none, or the key's environment variable is not set
 */
export function judgeReward(options: JudgeRewardOptions): Reward {
  const {
    model,
    rubric = 'alignment',
    timeoutMs = 60_000,
    attempts = 3,
    concurrency = 4,
    topLogprobs = 20,
    deterministic = false,
    extra = {},
  } = options;
  const url = endpoint(options.url);
  const question = questionOf(rubric);
  const key = keyOf(options);
  const client = createHttpClient({
    timeoutMs,
    attempts,
    concurrency,
    proxies: 'not-for-loopback',
    headers: {
      accept: 'application/json',
      'content-type': 'application/json',
      ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
    },
  });
  const settings = JSON.stringify([url, model, INSTRUCTIONS, question, topLogprobs, extra]);

  const judge = async (
    image: Image,
    prompt: string,
    signal?: AbortSignal,
  ): Promise<RewardResult> => {
    if (signal?.aborted === true) {
      return rewardFailure('aborted', 'Nobody waits for the answer.', true);
    }
    const png = await encodePng(image);
    const body = JSON.stringify({
      model,
      messages: [
        { role: 'system', content: INSTRUCTIONS },
        {
          role: 'user',
          content: [
            {
              type: 'image_url',
              image_url: { url: `data:image/png;base64,${png.toString('base64')}` },
            },
            { type: 'text', text: fillIn(question, prompt) },
          ],
        },
      ],
      temperature: 0,
      max_tokens: 1,
      logprobs: true,
      top_logprobs: topLogprobs,
      ...extra,
    });
    let completion: unknown;
    try {
      completion = await client.request(
        { url, body, signal, maximumBytes: LARGEST_ANSWER },
        (answer) => answer.json(),
      );
    } catch (error) {
      return judgeFailure(error, url, key);
    }
    const verdict = readVerdict(completion);
    if (!verdict.ok) return verdict;
    const { value, yes, no } = verdict;
    return { ok: true, value, components: { yes, no } };
  };

  return {
    name: 'judge',
    version: `1:${model}:${createHash('sha256').update(settings).digest('hex').slice(0, 16)}`,
    range: [0, 1],
    batchSize: 1,
    concurrency,
    deterministic,
    score: ({ images, prompts }, { signal } = {}) =>
      Promise.all(images.map((image, index) => judge(image, prompts[index]!, signal))),
  };
}
