/** Makes a remote reward: looks at what the server says of itself, and whether it keeps to it. */
import { Deadline, HttpError } from '@loop-diffusion/http';

import { type Info, infoSchema, type Probe, PROTOCOL, type RewardInfo } from '../protocol/schemas';
import type { Reward } from '../reward';
import { cachedReward } from './cached-reward';
import { parseAnswer } from './parse-answer';
import { RemoteFailure } from './remote-failure';
import type { RemoteRewardOptions } from './remote-reward-options';
import { type RemoteTarget, scoreRemotely } from './score-remotely';
import { createServerLink, type Patience } from './server-link';

const MAXIMUM_INFO_BYTES = 16 * 2 ** 20;
const LONGEST_MS = 2 ** 31 - 1;

export async function connect(options: RemoteRewardOptions): Promise<Reward> {
  const url = baseUrl(options.url);
  const deadlineMs = wholeNumber('deadlineMs', options.deadlineMs ?? 180_000, LONGEST_MS);
  const { onEvent = () => {}, circuit } = options;
  const link = createServerLink({
    url,
    token: options.token,
    timeoutMs: wholeNumber('timeoutMs', options.timeoutMs ?? 60_000, LONGEST_MS),
    attempts: wholeNumber('attempts', options.attempts ?? 3, 3),
    concurrency: wholeNumber('concurrency', options.concurrency ?? 2),
    circuit: {
      failures: wholeNumber('circuit.failures', circuit?.failures ?? 5),
      openMs: wholeNumber('circuit.openMs', circuit?.openMs ?? 10_000, LONGEST_MS),
    },
    fetch: options.fetch,
    random: options.random,
    onEvent,
  });
  const patience = patienceOf(deadlineMs, undefined);
  try {
    const info = await link.ask(
      { path: 'info', maximumBytes: MAXIMUM_INFO_BYTES, read: readInfo },
      patience,
    );
    const reward = chooseReward(info, options.name);
    const path =
      options.name === undefined
        ? `v${PROTOCOL}/score`
        : `v${PROTOCOL}/rewards/${encodeURIComponent(reward.name)}/score`;
    const { name, version, scope } = reward;
    const divisible = scope === 'image';
    const { limits } = info;
    const target: RemoteTarget = {
      ...{ link, path, name, version, divisible, limits, onEvent },
    };
    if (reward.probe === null) onEvent({ type: 'unprobed', reward: name });
    else await checkProbe(target, reward.probe, patience);
    const remote = asReward(target, reward, info, { ...options, deadlineMs });
    return options.cache === undefined ? remote : cachedReward(remote, options.cache);
  } catch (error) {
    if (!(error instanceof RemoteFailure)) throw error;
    const message = `The reward server at ${url} cannot be used (${error.kind}): ${error.message}`;
    throw new Error(message, { cause: error });
  }
}

function asReward(
  target: RemoteTarget,
  { range: [least, most], maximumBatch, scope, deterministic }: RewardInfo,
  { limits }: Info,
  { deadlineMs, concurrency = 2 }: RemoteRewardOptions & { readonly deadlineMs: number },
): Reward {
  return {
    name: target.name,
    version: target.version,
    range: [least ?? -Infinity, most ?? Infinity],
    batchSize: Math.min(maximumBatch, limits.maximumImages ?? maximumBatch),
    concurrency,
    scope,
    deterministic,
    score: (batch, scoring) =>
      scoreRemotely(target, batch, patienceOf(deadlineMs, scoring?.signal)),
  };
}

function patienceOf(deadlineMs: number, signal: AbortSignal | undefined): Patience {
  const message = `The reward server gave no answer within the deadline of ${deadlineMs} ms.`;
  return { deadline: new Deadline(deadlineMs, () => new HttpError('deadline', message)), signal };
}

function readInfo(text: string): Info {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new RemoteFailure('malformed', 'Its /info is not JSON.');
  }
  const protocol = (json as { protocol?: unknown } | null)?.protocol;
  if (typeof protocol === 'number' && protocol !== PROTOCOL) {
    const message = `It speaks version ${protocol} of the protocol; expected ${PROTOCOL}.`;
    throw new RemoteFailure('malformed', message);
  }
  const parsed = infoSchema.safeParse(json);
  if (parsed.success) return parsed.data;
  const { path, message } = parsed.error.issues[0]!;
  throw new RemoteFailure('malformed', `Its /info is wrong at "${path.join('.')}": ${message}.`);
}

function chooseReward({ rewards }: Info, name: string | undefined): RewardInfo {
  const found = name === undefined ? rewards : rewards.filter((reward) => reward.name === name);
  if (found.length === 1) return found[0]!;
  const names = rewards.map((reward) => reward.name).join(', ');
  throw new Error(
    name === undefined
      ? `The reward server has several rewards (${names}); pass the name of one.`
      : `The reward server has no reward "${name}"; it has ${names}.`,
  );
}

/**
 * How close two machines come. Each rounds its float32 numbers by at most 2⁻²⁴ = 6e-8 of them, and a neural reward adds up
 * thousands in another order, on another processor or a GPU with fused or TF32 products: 1e-5 is usual, 1e-4 is seen. Other
 * weights or another preparation of the picture change a score by far more. The absolute part is for values near 0, where
 * terms of the size of 1 cancel, and what is left has their rounding.
 */
const RELATIVE_TOLERANCE = 1e-3;
const ABSOLUTE_TOLERANCE = 1e-4;

/** @throws {Error} when the server's answer is not the one that it promises */
async function checkProbe(
  { link, path, name, version }: RemoteTarget,
  { image, prompt, value }: Probe,
  patience: Patience,
): Promise<void> {
  const [result] = await link.ask(
    {
      path,
      body: JSON.stringify({ images: [image], prompts: [prompt] }),
      maximumBytes: MAXIMUM_INFO_BYTES,
      read: (text) => parseAnswer(text, { count: 1, reward: name, version }),
    },
    patience,
  );
  const tolerance = ABSOLUTE_TOLERANCE + RELATIVE_TOLERANCE * Math.abs(value);
  if (result?.ok === true && Math.abs(result.value - value) <= tolerance) return;
  const given = result?.ok === true ? String(result.value) : `no score (${result?.kind ?? ''})`;
  throw new Error(
    `The reward server gives ${given} for its known answer of reward "${name}" and promises ${value}: ` +
      'it is not the reward that it says it is.',
  );
}

/** @throws {RangeError} when it is no address of a server */
function baseUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !['http:', 'https:'].includes(url.protocol)) {
    throw new RangeError(
      `"${text}" is no address of a reward server; expected http:// or https://.`,
    );
  }
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
    throw new RangeError(
      'The address of a reward server has no user, query or fragment; pass a token as "token".',
    );
  }
  return url.href.replace(/\/+$/, '');
}

function wholeNumber(name: string, value: number, most = Number.MAX_SAFE_INTEGER): number {
  if (Number.isSafeInteger(value) && value >= 1 && value <= most) return value;
  throw new RangeError(`"${name}" is ${value}; expected a whole number from 1 to ${most}.`);
}
