/** What a reward server is told, and what it is. */
import type { Image } from '../image';
import type { Reward } from '../reward';
import type { ServeLimits } from './limits';

export interface ServeRewardsOptions {
  /** At least one, each of another name. */
  readonly rewards: readonly Reward[];
  /** Address to listen on; `127.0.0.1`, this machine alone, when left out. Any other than loopback needs a token. */
  readonly host?: string | undefined;
  /** 0 takes a free one. */
  readonly port: number;
  /** What clients show as `Authorization: Bearer …`: at least 16 visible ASCII characters. */
  readonly token?: string | undefined;
  readonly limits?: Partial<ServeLimits> | undefined;
  /**
   * An image and a prompt whose score `/info` tells, so that clients can see whether they get the same; by default a
   * small picture of a red circle left of a blue square. `/info` has none for a reward that cannot score it.
   */
  readonly probe?: { readonly image: Image; readonly prompt: string } | undefined;
  /** Told of faults in the server; by default they go to stderr. Failures of rewards are answers and no faults. */
  readonly onError?: ((error: unknown) => void) | undefined;
}

export interface RewardServer {
  /** Such as `http://127.0.0.1:8080`. */
  readonly url: string;
  /**
   * Takes no more requests, waits for those under way, at most `graceMs` milliseconds (10,000 when left out), and closes
   * all connections. The rewards are not disposed of.
   */
  close(options?: { readonly graceMs?: number }): Promise<void>;
}
