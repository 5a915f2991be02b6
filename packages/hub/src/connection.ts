/** Requests to the hub and to where it sends on. */
import {
  createHttpClient,
  fullJitter,
  HttpError,
  type HttpAnswer,
  type HttpClientOptions,
  type HttpRequest,
} from '@loop-diffusion/http';

import { HubError, HubUnreachable } from './hub-error';
import type { HubName } from './hub-name';
import { refusal } from './refusals';
import type { HubSettings } from './settings';

export interface HubConnection {
  readonly name: HubName;
  readonly endpoint: string;
  readonly signal: AbortSignal | undefined;
  /** As `fetch`, for small answers, which come whole. */
  readonly fetchSmall: typeof fetch;
  /**
   * Asks up to five times; a download that makes progress has its tries anew.
   * @param read see `HttpClient.request`
   * @throws HubUnreachable when the network or the server fails; HubError for a refusal; the signal's reason; what `read` throws
   */
  request<Result>(
    request: Pick<HttpRequest, 'headers' | 'url' | 'accepts' | 'maximumBytes' | 'progress'>,
    read: (answer: HttpAnswer) => Promise<Result>,
  ): Promise<Result>;
}

export interface ConnectionStandIns extends Pick<HttpClientOptions, 'random' | 'sleep'> {
  readonly tries?: number | undefined;
  /** A server that sends nothing for so long is asked anew. */
  readonly stallMilliseconds?: number | undefined;
}

export interface ConnectionOptions extends ConnectionStandIns {
  readonly signal?: AbortSignal | undefined;
}

/** A page of a listing has a thousand files of some hundred bytes. */
const MAXIMUM_SMALL_BYTES = 32 * 1024 ** 2;

export function connectToHub(
  name: HubName,
  settings: HubSettings,
  { tries = 5, stallMilliseconds = 30_000, signal, ...standIns }: ConnectionOptions = {},
): HubConnection {
  const { endpoint, token } = settings;
  const { origin } = new URL(endpoint);
  const client = createHttpClient({
    timeoutMs: Infinity,
    stallMs: stallMilliseconds,
    attempts: tries,
    backoff: fullJitter({ firstMs: 2_000, longestMs: 16_000 }),
    longestPauseMs: 120_000,
    ...standIns,
  });

  const request: HubConnection['request'] = async (asked, read) => {
    // The token is for the hub alone; where the hub redirects to another origin, it is left out too.
    const isHub = token !== undefined && new URL(asked.url).origin === origin;
    const authorization = isHub ? { authorization: `Bearer ${token}` } : {};
    const headers = () => ({
      ...(typeof asked.headers === 'function' ? asked.headers() : asked.headers),
      ...authorization,
    });
    try {
      return await client.request({ redirect: 'follow', ...asked, headers, signal }, read);
    } catch (error) {
      signal?.throwIfAborted();
      throw inWords(error);
    }
  };

  function inWords(error: unknown): unknown {
    if (error instanceof HttpError) {
      if (error.answer !== undefined) return refusal(error.answer, name, settings);
      const sentence = `${name.text} cannot be fetched: ${asClause(error.message)}`;
      return error.kind === 'too-large'
        ? new HubError(sentence, { cause: error })
        : new HubUnreachable(sentence, { cause: error });
    }
    // A proxy that cannot be used.
    if (error instanceof RangeError) {
      return new HubError(`${name.text} cannot be fetched: ${asClause(error.message)}`);
    }
    return error;
  }

  return {
    ...{ name, endpoint, signal, request },
    fetchSmall: (input, init) =>
      request(
        {
          url: input instanceof Request ? input.url : String(input),
          headers: Object.fromEntries(new Headers(init?.headers)),
          maximumBytes: MAXIMUM_SMALL_BYTES,
        },
        async (answer) => {
          const { status, headers } = answer;
          return new Response(new Uint8Array(await answer.bytes()), { status, headers });
        },
      ),
  };
}

/** A sentence in the midst of another. */
function asClause(sentence: string): string {
  return (sentence.charAt(0).toLowerCase() + sentence.slice(1)).replace(/\.$/, '');
}
