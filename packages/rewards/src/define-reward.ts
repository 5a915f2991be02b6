import { createHash } from 'node:crypto';

import { assertReward } from './assert-reward';
import { describeValue } from './describe-value';
import type { Image } from './image';
import {
  notApplicable,
  type Reward,
  type RewardBatch,
  rewardFailure,
  type RewardResult,
  type ScoreOptions,
} from './reward';

/** What a function may say of an image: a score, `null` where it does not apply, or a whole result. */
export type FunctionScore = number | null | RewardResult;

/**
 * A reward as a function. Its first argument is the list of images, which also has `images`, `prompts` and `groups`, so
 * that both `(images, prompts) => …` and `({ images, prompts }) => …` are such functions.
 *
 * @returns one score per image, in the same order
 */
export type ScoringFunction = (
  images: readonly Image[] & RewardBatch,
  prompts: readonly string[],
  options: ScoreOptions,
) => ArrayLike<FunctionScore> | Promise<ArrayLike<FunctionScore>>;

/** What {@link defineReward} takes besides the function; all but the name may be left out. */
export interface RewardDefinition {
  readonly name: string;
  /**
   * Changes whenever the function could give other scores; see {@link Reward.version}. Without it the version is a hash of
   * the function's text, which does not show what it calls, so that scores are never cached.
   */
  readonly version?: string | undefined;
  /** Smallest and largest score; without limits when left out. */
  readonly range?: readonly [number, number] | undefined;
  /** The most images in one call; 64 when left out. */
  readonly batchSize?: number | undefined;
  /** Calls at once; 1 when left out. */
  readonly concurrency?: number | undefined;
  /** See {@link Reward.scope}. */
  readonly scope?: 'image' | 'group' | undefined;
  /** See {@link Reward.deterministic}; false without a version. */
  readonly deterministic?: boolean | undefined;
}

/**
 * Makes a reward of a function.
 *
 * @throws {RangeError} when the range, the batch size or another part is not as described
 * @throws {TypeError} when there is no function
 */
export function defineReward(definition: RewardDefinition, score: ScoringFunction): Reward {
  const { name, version, range, batchSize = 64, concurrency, scope } = definition;
  if (typeof score !== 'function') {
    throw new TypeError(
      `Reward "${name}" is defined by ${describeValue(score)}; expected a function ({ images, prompts }) => numbers.`,
    );
  }
  const hash = createHash('sha256').update(score.toString()).digest('hex');
  const reward: Reward = {
    name,
    version: version ?? `function:${hash.slice(0, 16)}`,
    range: range ?? [-Infinity, Infinity],
    batchSize,
    concurrency,
    scope,
    deterministic: definition.deterministic ?? version !== undefined,
    async score(batch, options = {}) {
      const given: unknown = await score(
        Object.assign([...batch.images], batch),
        batch.prompts,
        options,
      );
      return readScores(name, given, batch.images.length);
    },
  };
  assertReward(reward);
  return reward;
}

/**
 * Makes a reward of a function alone, with everything as {@link defineReward} has it when left out.
 *
 * @param name the function's own when left out, and `reward` where it has none
 */
export function rewardFromFunction(
  score: ScoringFunction,
  name: string = score.name || 'reward',
): Reward {
  return defineReward({ name }, score);
}

/** Whatever is no score becomes a failure of its image that says what came and what was expected. */
function readScores(name: string, given: unknown, count: number): RewardResult[] {
  const isList = Array.isArray(given) || (ArrayBuffer.isView(given) && 'length' in given);
  const scores = isList ? Array.from(given as ArrayLike<unknown>) : undefined;
  if (scores?.length !== count) {
    const what = scores === undefined ? describeValue(given) : `${scores.length} scores`;
    const message = `Reward "${name}" gave ${what} for ${count} images; expected a list with a number for each.`;
    return Array.from({ length: count }, () => rewardFailure('wrong-count', message));
  }
  return scores.map((score): RewardResult => {
    if (typeof score === 'number') return { ok: true, value: score };
    if (score === null) return notApplicable(`Reward "${name}" does not apply to this image.`);
    if (typeof (score as Partial<RewardResult> | undefined)?.ok === 'boolean') {
      return score as RewardResult;
    }
    return rewardFailure(
      'malformed',
      `Reward "${name}" gave ${describeValue(score)} for this image; expected a number, or null where it does not apply.`,
    );
  });
}
