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

/** Scores images. Implementations may be remote, so scoring is asynchronous. */
export interface Reward {
  readonly name: string;
  /** Changes whenever the same image and prompt could score differently. */
  readonly version: string;
  /** Smallest and largest value that a score can have; may be infinite. */
  readonly range: readonly [number, number];
  /** The most images that one call of `score` takes. */
  readonly batchSize: number;
  /**
   * @returns one result per image, in the same order
   */
  score(batch: RewardBatch): Promise<RewardResult[]>;
}

/** Makes a {@link RewardFailure}. */
export function rewardFailure(kind: string, message: string, retryable = false): RewardFailure {
  return { ok: false, kind, message, retryable };
}
