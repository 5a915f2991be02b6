import { setTimeout as setTimeoutPromise } from 'node:timers/promises';

import type { Attempt } from './post-json';

export interface RetryOptions {
  /** How often is asked at most; 3 when left out. */
  readonly attempts?: number | undefined;
  /** The longest wait before the second attempt, doubled for each one after; 500 when left out. */
  readonly firstWaitMs?: number | undefined;
  /** A server that asks to wait longer is not asked again; 30 000 when left out. */
  readonly longestWaitMs?: number | undefined;
  /** Uniform in [0, 1). */
  readonly random?: (() => number) | undefined;
  /** Rejects when the signal is aborted. */
  readonly sleep?: ((ms: number, signal?: AbortSignal) => Promise<void>) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Asks again after a fault that may pass, waiting a random part of a time that doubles (full
 * jitter), and at least as long as the server asks for.
 */
export async function retry(
  attempt: () => Promise<Attempt>,
  {
    attempts = 3,
    firstWaitMs = 500,
    longestWaitMs = 30_000,
    random = Math.random,
    sleep = (ms, abort) => setTimeoutPromise(ms, undefined, abort && { signal: abort }),
    signal,
  }: RetryOptions = {},
): Promise<Attempt> {
  for (let tried = 1; ; tried += 1) {
    const result = await attempt();
    if (result.ok || !result.retry || tried >= attempts) return result;
    const jittered = random() * Math.min(longestWaitMs, firstWaitMs * 2 ** (tried - 1));
    const wait = Math.max(jittered, result.retryAfterMs ?? 0);
    if (wait > longestWaitMs) return result;
    try {
      await sleep(wait, signal);
    } catch {
      return result; // nobody waits any more
    }
  }
}
