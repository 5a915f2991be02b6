/** Asks one server, with patience: bounded concurrency, attempts with backoff, and a circuit breaker for all of its calls. */
import { randomUUID } from 'node:crypto';

import { Gate } from '../protocol/gate';
import { fullJitter } from './backoff';
import { type Call, untilAborted } from './call';
import { type Fetch, requestJson } from './http-client';
import { RemoteFailure, transportFailure } from './remote-failure';
import type { RemoteRewardEvent } from './remote-reward';

export interface ServerLinkOptions {
  readonly url: string;
  readonly token: string | undefined;
  readonly timeoutMs: number;
  readonly concurrency: number;
  readonly circuit: { readonly failures: number; readonly openMs: number };
  readonly fetch: Fetch;
  readonly random: () => number;
  readonly onEvent: (event: RemoteRewardEvent) => void;
}

export interface Question<T> {
  /** Below the server's url, without a slash at the start. */
  readonly path: string;
  readonly body?: string;
  readonly maximumBytes: number;
  /** Makes something of the answer, or throws a {@link RemoteFailure}. */
  readonly read: (text: string) => T;
  readonly attempts: number;
  /** Whether a fault of the server is expected, because one of the images is its cause. */
  readonly searching?: boolean;
}

export interface ServerLink {
  /** @throws {RemoteFailure} when no attempt brought an answer, the circuit is open, or the call's time is over */
  ask<T>(question: Question<T>, call: Call): Promise<T>;
}

export async function createServerLink(options: ServerLinkOptions): Promise<ServerLink> {
  const { circuitBreaker, CircuitState, ConsecutiveBreaker, handleWhen, isBrokenCircuitError } =
    await import('cockatiel');
  const { url, token, timeoutMs, concurrency, circuit, fetch, random, onEvent } = options;
  const gate = new Gate(concurrency);
  const isIll = (error: unknown) => error instanceof RemoteFailure && error.traits.ill;
  const breaker = circuitBreaker(handleWhen(isIll), {
    breaker: new ConsecutiveBreaker(circuit.failures),
    halfOpenAfter: circuit.openMs,
  });
  const states = {
    [CircuitState.Closed]: 'closed',
    [CircuitState.Open]: 'open',
    [CircuitState.HalfOpen]: 'half-open',
    [CircuitState.Isolated]: 'open',
  } as const;
  breaker.onStateChange((state) => onEvent({ type: 'circuit', state: states[state] }));

  /** One attempt. A fault that is searched for says nothing about the server's health, except that it answers. */
  const tryOnce = async <T>(question: Question<T>, requestId: string, call: Call) => {
    const { path, body, maximumBytes, read, searching = false } = question;
    const outcome = await breaker.execute(async (): Promise<{ answer: T } | RemoteFailure> => {
      try {
        const text = await call.attempt(timeoutMs, (signal) =>
          requestJson({
            fetch,
            url: `${url}/${path}`,
            token,
            requestId,
            signal,
            maximumBytes,
            ...(body === undefined ? {} : { body }),
          }),
        );
        return { answer: read(text) };
      } catch (error) {
        const failure = transportFailure(error);
        if (searching && failure.kind.startsWith('http-')) return failure;
        throw failure;
      }
    });
    if (outcome instanceof RemoteFailure) throw outcome;
    return outcome.answer;
  };

  const asFailure = (error: unknown): RemoteFailure => {
    if (!isBrokenCircuitError(error)) return transportFailure(error);
    const message = `The reward server failed ${circuit.failures} times in a row and is left alone for ${circuit.openMs} ms.`;
    return new RemoteFailure('circuit-open', message);
  };

  return {
    async ask(question, call) {
      const requestId = randomUUID();
      for (let attempt = 1; ; attempt++) {
        try {
          const turn = () => tryOnce(question, requestId, call);
          return await untilAborted(gate.run(turn, call.signal), call.signal);
        } catch (error) {
          const failure = asFailure(error);
          if (!failure.traits.again || attempt >= question.attempts) throw failure;
          const delayMs = Math.max(fullJitter(attempt, random), failure.retryAfterMs);
          // To wait until the deadline and fail then helps nobody.
          if (delayMs >= call.remainingMs) throw failure;
          onEvent({ type: 'retry', attempt, kind: failure.kind, delayMs });
          await call.sleep(delayMs);
        }
      }
    },
  };
}
