/** One request to a reward server, and what can go wrong with it. */
import { errorSchema } from '../protocol/schemas';
import { retryAfterMs } from './backoff';
import { RemoteFailure, transportFailure } from './remote-failure';

export type Fetch = typeof globalThis.fetch;

export interface HttpRequest {
  readonly fetch: Fetch;
  readonly url: string;
  readonly token: string | undefined;
  /** Stays the same when a request is sent again. */
  readonly requestId: string;
  /** JSON to POST; a GET where there is none. */
  readonly body?: string;
  /** Covers the body of the answer too. Its reason is a {@link RemoteFailure}. */
  readonly signal: AbortSignal;
  /** The longest answer that is read. */
  readonly maximumBytes: number;
}

/** An answer that says why there is none is a sentence or two. */
const MAXIMUM_ERROR_BYTES = 64 * 1024;
const MAXIMUM_MESSAGE = 300;

/**
 * @returns the text of a successful JSON answer
 * @throws {RemoteFailure} whatever else comes of it
 */
export async function requestJson(request: HttpRequest): Promise<string> {
  const { signal } = request;
  try {
    signal.throwIfAborted();
    const response = await send(request);
    if (response.status !== 200) throw await statusFailure(response);
    const type = response.headers.get('content-type') ?? 'no content type';
    if (!/^application\/json *(;|$)/i.test(type)) {
      await response.body?.cancel();
      const message = `The reward server at ${request.url} answered with ${type.slice(0, 80)}; expected application/json.`;
      throw new RemoteFailure('not-json', message);
    }
    return await readText(response, request.maximumBytes);
  } catch (error) {
    throw signal.aborted ? transportFailure(signal.reason) : transportFailure(error);
  }
}

async function send({
  fetch,
  url,
  token,
  requestId,
  body,
  signal,
}: HttpRequest): Promise<Response> {
  const headers: Record<string, string> = { accept: 'application/json', 'x-request-id': requestId };
  if (token !== undefined) headers['authorization'] = `Bearer ${token}`;
  // A redirect would take the images and the token to another place.
  const common = { headers, signal, redirect: 'manual' } as const;
  if (body === undefined) return fetch(url, common);
  headers['content-type'] = 'application/json';
  return fetch(url, { ...common, method: 'POST', body });
}

async function statusFailure(response: Response): Promise<RemoteFailure> {
  const { status, headers } = response;
  let said = '';
  try {
    const parsed = errorSchema.safeParse(JSON.parse(await readText(response, MAXIMUM_ERROR_BYTES)));
    if (parsed.success) said = `: ${parsed.data.error.message.slice(0, MAXIMUM_MESSAGE)}`;
  } catch {
    // The status says enough.
  }
  const message = `The reward server answered ${status}${said || '.'}`;
  return new RemoteFailure(
    `http-${status}`,
    message,
    retryAfterMs(headers.get('retry-after'), Date.now()),
  );
}

async function readText(response: Response, maximumBytes: number): Promise<string> {
  const reader = (response.body as ReadableStream<Uint8Array> | null)?.getReader();
  if (reader === undefined) return '';
  const chunks: Uint8Array[] = [];
  let length = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return Buffer.concat(chunks, length).toString('utf8');
    length += value.length;
    if (length > maximumBytes) {
      await reader.cancel();
      const message = `The answer of the reward server is longer than ${maximumBytes} bytes.`;
      throw new RemoteFailure('answer-too-large', message);
    }
    chunks.push(value);
  }
}
