import { retryAfterMs } from '../remote/backoff';
import { rewardFailure, type RewardFailure } from '../reward';

export interface JsonRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** For the whole of one attempt, its body included. */
  readonly timeoutMs: number;
}

/** What one attempt gave. */
export type Attempt =
  | { readonly ok: true; readonly json: unknown }
  | {
      readonly ok: false;
      readonly failure: RewardFailure;
      /** Whether to try again now: a fault of transport, 408, 429 or 5xx. */
      readonly retry: boolean;
      /** How long the server asks to wait. */
      readonly retryAfterMs?: number | undefined;
    };

/** A completion of one token takes a few kilobytes. */
const LARGEST_BODY = 2 ** 20;

class BodyTooLarge extends Error {}

async function readBody(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  // The types of the web's streams know no iteration; Node's have it.
  for await (const chunk of (response.body ?? []) as unknown as AsyncIterable<Uint8Array>) {
    length += chunk.length;
    if (length > LARGEST_BODY) throw new BodyTooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function statusFailure(status: number, url: string, body: string): RewardFailure {
  const excerpt = body.replaceAll(/\s+/g, ' ').trim().slice(0, 200);
  const said = `The server at ${url} answered ${status}: ${excerpt || 'nothing more'}`;
  if (status === 401 || status === 403) {
    return rewardFailure('unauthorised', `${said}. Check the API key.`);
  }
  if (status === 429) return rewardFailure('rate-limited', said, true);
  return rewardFailure('http-error', said, status === 408 || status >= 500);
}

function transportFailure(error: unknown, url: string): RewardFailure {
  const { message, cause } = error as Error;
  const reason = cause instanceof Error ? `${message}: ${cause.message}` : message;
  return rewardFailure('network', `No answer from ${url}: ${reason}`, true);
}

/** Takes something secret out of what a server said. */
function withoutSecrets(failure: RewardFailure, { headers }: JsonRequest): RewardFailure {
  const secret = headers['authorization']?.replace(/^Bearer /, '');
  if (secret === undefined || secret === '') return failure;
  return { ...failure, message: failure.message.replaceAll(secret, '***') };
}

/**
 * Posts JSON once and parses the answer. Everything that goes wrong is a failure, never an
 * exception. Redirections are not followed: they would carry the key elsewhere.
 *
 * @param signal gives up (`aborted`) when nobody waits any more
 */
export async function postJson(request: JsonRequest, signal?: AbortSignal): Promise<Attempt> {
  const { url, headers, body, timeoutMs } = request;
  const fail = (failure: RewardFailure, retry = false, retryAfterMs?: number): Attempt => ({
    ok: false,
    failure: withoutSecrets(failure, request),
    retry,
    retryAfterMs,
  });
  const controller = new AbortController();
  const abort = () => controller.abort();
  if (signal?.aborted) abort();
  signal?.addEventListener('abort', abort, { once: true });
  const timer = setTimeout(abort, timeoutMs);
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json', ...headers },
      body,
      redirect: 'error',
      signal: controller.signal,
    });
    const text = await readBody(response);
    if (!response.ok) {
      const failure = statusFailure(response.status, url, text);
      const wait = retryAfterMs(response.headers.get('retry-after'), Date.now());
      return fail(failure, failure.retryable, wait);
    }
    try {
      return { ok: true, json: JSON.parse(text) as unknown };
    } catch {
      const excerpt = text.replaceAll(/\s+/g, ' ').slice(0, 80);
      return fail(
        rewardFailure('malformed-response', `The server at ${url} gave no JSON: ${excerpt}`),
      );
    }
  } catch (error) {
    if (signal?.aborted)
      return fail(rewardFailure('aborted', 'Nobody waits for the answer.', true));
    if (controller.signal.aborted) {
      const message = `No whole answer from ${url} within ${timeoutMs} ms.`;
      return fail(rewardFailure('timeout', message, true), true);
    }
    if (error instanceof BodyTooLarge) {
      const message = `The server at ${url} answered with more than ${LARGEST_BODY} bytes.`;
      return fail(rewardFailure('malformed-response', message));
    }
    return fail(transportFailure(error, url), true);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', abort);
  }
}
