import type { Image } from './image';

/**
 * What a reward says about one image: a score, a failure, or that it does not apply to it. Neither of
 * the last two is a score; a caller that turned a failure into 0 could not tell a dead judge from a
 * bad picture. {@link isFailure} and {@link isNotApplicable} tell the two apart.
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
  /** Machine-readable reason, such as `invalid-image`; `not-applicable` is no failure. */
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
  /**
   * Which images belong together, a number for each: those that a reward of scope `group` compares.
   * Images of equal prompts belong together when left out.
   */
  readonly groups?: readonly number[] | undefined;
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
  /** Smallest and largest value that a score can have; −Infinity and Infinity where there is no limit. */
  readonly range: readonly [number, number];
  /** The most images that one call of `score` takes. */
  readonly batchSize: number;
  /** How many calls of `score` may be under way at once; 1 when left out. */
  readonly concurrency?: number | undefined;
  /**
   * What a score depends on: the image and its prompt, which is what is meant when left out, or
   * also the other images of its group (`group`), which then come in one call, however many.
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

/** The kind of a result that says that the reward has nothing to say about the image. */
const NOT_APPLICABLE = 'not-applicable';

/**
 * Says that a reward does not apply to an image, as a reward for text in pictures does not where the
 * prompt asks for none. Nothing has gone wrong: the image is judged by the other rewards alone.
 *
 * @param message why it does not apply, for people
 */
export function notApplicable(message: string): RewardFailure {
  return rewardFailure(NOT_APPLICABLE, message);
}

/** Whether a result says that the reward does not apply to the image: no score, and no failure. */
export function isNotApplicable(result: RewardResult): boolean {
  return !result.ok && result.kind === NOT_APPLICABLE;
}

/** Whether a score was asked for and did not come. */
export function isFailure(result: RewardResult): boolean {
  return !result.ok && result.kind !== NOT_APPLICABLE;
}
