import { setTimeout as setTimeoutPromise } from 'node:timers/promises';

import { fullJitter } from '../remote/backoff';
import type { Attempt } from './post-json';

export interface RetryOptions {
  /** How often is asked at most; 3 when left out. */
  readonly attempts?: number | undefined;
  /** A server that asks to wait longer is not asked again; 30 000 when left out. */
  readonly longestWaitMs?: number | undefined;
  /** Uniform in [0, 1). */
  readonly random?: (() => number) | undefined;
  /** Rejects when the signal is aborted. */
  readonly sleep?: ((ms: number, signal?: AbortSignal) => Promise<void>) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Asks again after a fault that may pass, with {@link fullJitter}, and at least as long after as the
 * server asks for.
 */
export async function retry(
  attempt: () => Promise<Attempt>,
  {
    attempts = 3,
    longestWaitMs = 30_000,
    random = Math.random,
    sleep = (ms, abort) => setTimeoutPromise(ms, undefined, abort && { signal: abort }),
    signal,
  }: RetryOptions = {},
): Promise<Attempt> {
  for (let tried = 1; ; tried += 1) {
    const result = await attempt();
    if (result.ok || !result.retry || tried >= attempts) return result;
    const wait = Math.max(fullJitter(tried, random), result.retryAfterMs ?? 0);
    if (wait > longestWaitMs) return result;
    try {
      await sleep(wait, signal);
    } catch {
      return result; // nobody waits any more
    }
  }
}
