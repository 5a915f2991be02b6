import type { Image } from './image';

/**
 * What a reward says about one image: a score, or a failure. A failure is never a score; a caller
 * that turned it into 0 could not tell a dead judge from a bad picture.
 */
export type RewardResult = RewardScore | RewardFailure;

export interface RewardScore {
  readonly ok: true;
  /** Finite, higher is better, within the reward's range. */
  readonly value: number;
  /** Parts the value was made of, for logs. */
  readonly components?: Readonly<Record<string, number>>;
}

export interface RewardFailure {
  readonly ok: false;
  /** Machine-readable reason, such as `invalid-image`. */
  readonly kind: string;
  /** What was wrong, for people. */
  readonly message: string;
  /** Whether asking again may help. */
  readonly retryable: boolean;
}

/** Images and the prompts that they were made for, one each. */
export interface RewardBatch {
  readonly images: readonly Image[];
  readonly prompts: readonly string[];
}

export interface ScoreOptions {
  /** Aborted when nobody waits for the scores any more. */
  readonly signal?: AbortSignal | undefined;
}

/** Scores images. Implementations may be remote, so scoring is asynchronous. */
export interface Reward {
  readonly name: string;
  /**
   * Changes whenever the same image and prompt could score differently: it names the code, the hash
   * of the weights and the parameters. Caches rely on it.
   */
  readonly version: string;
  /** Smallest and largest value that a score can have; may be infinite. */
  readonly range: readonly [number, number];
  /** The most images that one call of `score` takes. */
  readonly batchSize: number;
  /** How many calls of `score` may be under way at once; 1 when left out. */
  readonly concurrency?: number | undefined;
  /**
   * What a score depends on: the image and its prompt, which is what is meant when left out, or
   * also the other images of the same prompt (`group`), which then come in one call, however many.
   */
  readonly scope?: 'image' | 'group' | undefined;
  /** False where asking twice may give two answers, as a judge that samples does: never cached. */
  readonly deterministic?: boolean | undefined;
  /**
   * @returns one result per image, in the same order
   */
  score(batch: RewardBatch, options?: ScoreOptions): Promise<RewardResult[]>;
  /** Frees models and connections. */
  dispose?(): Promise<void>;
}

/** Makes a {@link RewardFailure}. */
export function rewardFailure(kind: string, message: string, retryable = false): RewardFailure {
  return { ok: false, kind, message, retryable };
}
