/** What a remote reward is told, and what it tells. */
import type { CacheOptions } from './cached-reward';
import type { RemoteFailureKind } from './remote-failure';

export interface RemoteRewardOptions {
  /** Of the server, such as `http://127.0.0.1:8080`; a path is kept, as behind a proxy. */
  readonly url: string;
  /** Which of the server's rewards; may be left out where it has one. */
  readonly name?: string | undefined;
  /** Sent as `Authorization: Bearer …`. */
  readonly token?: string | undefined;
  /** Milliseconds for one attempt, its whole answer included. Default 60,000; Node's own fetch gives up at 300,000. */
  readonly timeoutMs?: number | undefined;
  /**
   * Milliseconds for one call of `score` with all its attempts, pauses and searching, but not its waiting for other calls
   * of this reward. Default 180,000.
   */
  readonly deadlineMs?: number | undefined;
  /** 1 to 3; default 3. */
  readonly attempts?: number | undefined;
  /** Requests at once. Default 2, so that the server has the next images when it is done with the last. */
  readonly concurrency?: number | undefined;
  /** Keeps scores in a folder. */
  readonly cache?: CacheOptions | undefined;
  /** After so many failures in a row (default 5) the server is left alone for `openMs` milliseconds (default 10,000). */
  readonly circuit?: { readonly failures?: number; readonly openMs?: number } | undefined;
  /** In place of Node's own, and of the proxy that the environment names. */
  readonly fetch?: typeof globalThis.fetch | undefined;
  /** Uniform in [0, 1), for the waits between attempts; `Math.random` when left out. */
  readonly random?: (() => number) | undefined;
  /** Told what happens on the way. */
  readonly onEvent?: ((event: RemoteRewardEvent) => void) | undefined;
}

export type RemoteRewardEvent =
  /** An attempt failed, and there will be another. */
  | {
      readonly type: 'retry';
      /** How many have failed. */
      readonly attempt: number;
      readonly kind: RemoteFailureKind;
      readonly delayMs: number;
    }
  /** Requests for so many images failed, and halves are asked for. */
  | { readonly type: 'split'; readonly images: number; readonly kind: RemoteFailureKind }
  | { readonly type: 'circuit'; readonly state: 'closed' | 'open' | 'half-open' }
  /** The server names no known answer, so that nothing was compared at the start. */
  | { readonly type: 'unprobed'; readonly reward: string };
