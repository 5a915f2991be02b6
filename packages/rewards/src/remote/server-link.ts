/** Asks one server, with patience: all calls of a reward share its gate and its circuit breaker. */
import { randomUUID } from 'node:crypto';

import {
  createHttpClient,
  type Deadline,
  type Fetch,
  HttpError,
  type HttpEvent,
  isServerFault,
} from '@loop-diffusion/http';

import { RemoteFailure, remoteFailure } from './remote-failure';
import type { RemoteRewardEvent } from './remote-reward-options';

export interface ServerLinkOptions {
  readonly url: string;
  readonly token: string | undefined;
  readonly timeoutMs: number;
  readonly attempts: number;
  readonly concurrency: number;
  readonly circuit: { readonly failures: number; readonly openMs: number };
  readonly fetch: Fetch | undefined;
  readonly random: (() => number) | undefined;
  readonly onEvent: (event: RemoteRewardEvent) => void;
}

/** The time of one call of `score`, and its caller's patience. */
export interface Patience {
  readonly deadline: Deadline;
  readonly signal: AbortSignal | undefined;
}

export interface Question<T> {
  /** Below the server's url, without a slash at the start. */
  readonly path: string;
  readonly body?: string;
  readonly maximumBytes: number;
  /** Makes something of the answer, or throws a {@link RemoteFailure}. */
  readonly read: (text: string) => T;
  /** Whether a fault of the server is expected, because one of the images is its cause: asked once, and no fault. */
  readonly searching?: boolean;
}

export interface ServerLink {
  /** @throws {RemoteFailure} when no attempt brought an answer, the circuit is open, or the call's time is over */
  ask<T>(question: Question<T>, patience: Patience): Promise<T>;
}

export function createServerLink({
  url,
  token,
  onEvent,
  ...options
}: ServerLinkOptions): ServerLink {
  const client = createHttpClient({
    ...options,
    longestPauseMs: Infinity, // the deadline bounds it
    proxies: 'not-for-loopback',
    headers: {
      accept: 'application/json',
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
    onEvent: (event) => onEvent(asRemoteEvent(event)),
  });
  return {
    async ask({ path, body, maximumBytes, read, searching = false }, { deadline, signal }) {
      const requestId = randomUUID(); // the same when a request is sent again
      try {
        return await client.request(
          {
            url: `${url}/${path}`,
            headers: {
              'x-request-id': requestId,
              ...(body === undefined ? {} : { 'content-type': 'application/json' }),
            },
            body,
            maximumBytes,
            accepts: (status) => status === 200,
            deadline,
            signal,
            attempts: searching ? 1 : undefined,
            isFault: (error) => isServerFault(error) && !(searching && hasStatus(error)),
          },
          async (answer) => {
            const type = answer.headers.get('content-type') ?? 'no content type';
            if (/^application\/json *(;|$)/i.test(type)) return read(await answer.text());
            const message = `The reward server at ${url}/${path} answered with ${type.slice(0, 80)}; expected application/json.`;
            throw new RemoteFailure('not-json', message);
          },
        );
      } catch (error) {
        throw remoteFailure(error);
      }
    },
  };
}

function hasStatus(error: unknown): boolean {
  return error instanceof HttpError && error.kind === 'status';
}

function asRemoteEvent(event: HttpEvent): RemoteRewardEvent {
  if (event.type === 'circuit') return event;
  const { attempt, error, pauseMs } = event;
  return { type: 'retry', attempt, kind: remoteFailure(error).kind, delayMs: pauseMs };
}
