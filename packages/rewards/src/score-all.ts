import { untilAborted } from '@loop-diffusion/http';

import { assertReward } from './assert-reward';
import { describeValue } from './describe-value';
import { gated } from './gated';
import { type Image, imageProblem } from './image';
import {
  type Reward,
  type RewardBatch,
  rewardFailure,
  type RewardFailure,
  type RewardResult,
  type ScoreOptions,
} from './reward';

function describeError(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Turns what a reward gave for one image into a result that can be trusted. */
function checkResult(reward: Reward, result: RewardResult | undefined): RewardResult {
  if (typeof result?.ok !== 'boolean') {
    const hint =
      typeof result === 'number' ? '; defineReward takes functions that return numbers' : '';
    return rewardFailure(
      'malformed',
      `Reward "${reward.name}" gave ${describeValue(result)} for this image; ` +
        `expected { ok: true, value: a number } or a failure${hint}.`,
    );
  }
  if (!result.ok) return checkFailure(reward, result);
  const { value } = result;
  if (!Number.isFinite(value)) {
    return rewardFailure(
      'non-finite',
      `Reward "${reward.name}" gave ${describeValue(value)} as value; expected a finite number.`,
    );
  }
  const [least, most] = reward.range;
  if (value < least || value > most) {
    return rewardFailure(
      'out-of-range',
      `Reward "${reward.name}" gave ${value}, outside its range [${least}, ${most}].`,
    );
  }
  return result;
}

/** A failure from outside may lack what it must say. */
function checkFailure(reward: Reward, failure: Partial<RewardFailure>): RewardFailure {
  const { kind, message, retryable } = failure;
  return rewardFailure(
    typeof kind === 'string' ? kind : 'malformed',
    typeof message === 'string' ? message : `Reward "${reward.name}" failed and did not say why.`,
    retryable === true,
  );
}

/** Scores what fits into one call; every way to fail becomes a failure of each of its images. */
async function scoreChunk(
  reward: Reward,
  batch: RewardBatch,
  options: ScoreOptions,
): Promise<RewardResult[]> {
  const failAll = (failure: RewardFailure) => batch.images.map(() => failure);
  let results: RewardResult[];
  try {
    // Whoever called it off does not wait for a reward that does not listen.
    results = await untilAborted(gated(reward).score(batch, options), options.signal);
  } catch (error) {
    if (options.signal?.aborted === true) {
      const message = `Reward "${reward.name}" was called off before it answered.`;
      return failAll(rewardFailure('aborted', message, true));
    }
    const message = `Reward "${reward.name}" failed: ${describeError(error)}`;
    return failAll(rewardFailure('exception', message));
  }
  if (!Array.isArray(results) || results.length !== batch.images.length) {
    const count = Array.isArray(results)
      ? `${results.length} results`
      : `${describeValue(results)} in the place of a list of results`;
    const message = `Reward "${reward.name}" gave ${count} for ${batch.images.length} images.`;
    return failAll(rewardFailure('wrong-count', message));
  }
  return results.map((result) => checkResult(reward, result));
}

interface Entry {
  readonly index: number;
  readonly image: Image;
  readonly prompt: string;
  /** What images that are compared have in common; the prompt where nothing else is said. */
  readonly group: number | string;
}

/** What goes into one call each: at most `batchSize` images, or a whole group where images are scored together. */
function cutIntoCalls({ batchSize, scope }: Reward, entries: readonly Entry[]): Entry[][] {
  if (scope === 'group') {
    const groups = new Map<number | string, Entry[]>();
    for (const entry of entries) {
      const group = groups.get(entry.group);
      if (group === undefined) groups.set(entry.group, [entry]);
      else group.push(entry);
    }
    return [...groups.values()];
  }
  const calls: Entry[][] = [];
  for (let start = 0; start < entries.length; start += batchSize) {
    calls.push(entries.slice(start, start + batchSize));
  }
  return calls;
}

function assertOnePerImage({ images, prompts, groups }: RewardBatch): void {
  if (images.length !== prompts.length) {
    throw new RangeError(
      `There are ${images.length} images and ${prompts.length} prompts; pass one prompt per image.`,
    );
  }
  if (groups !== undefined && groups.length !== images.length) {
    throw new RangeError(
      `There are ${images.length} images and ${groups.length} groups; pass one number per image.`,
    );
  }
}

/**
 * Scores any number of images: in calls of at most `reward.batchSize` (all images of a group for a
 * reward of scope `group`), `reward.concurrency` of them at a time, those of other `scoreAll` of the
 * same reward among them ({@link gated}).
 *
 * Whatever goes wrong is a failure of the images concerned, never a score and never an exception: a
 * reward that throws (`exception`), that gives too few or too many results (`wrong-count`), or a
 * result that is none (`malformed`), not finite (`non-finite`) or outside the reward's range
 * (`out-of-range`). An image with a wrong length or non-finite values (`invalid-image`) is not
 * shown to the reward at all. When the signal is aborted, all that has not been answered fails at
 * once (`aborted`), whether or not the reward listens to it.
 *
 * @returns one result per image, in order, whatever the order in which calls came back
 * @throws {RangeError} when there are not as many prompts, or groups, as images, or the reward is none,
 * such as one whose range is no pair of numbers: these are mistakes of the program, not of a reward
 */
export async function scoreAll(
  reward: Reward,
  batch: RewardBatch,
  options: ScoreOptions = {},
): Promise<RewardResult[]> {
  assertOnePerImage(batch);
  assertReward(reward);
  const { images, prompts, groups } = batch;
  const results = images.map((image): RewardResult | undefined => {
    const problem = imageProblem(image);
    if (problem === undefined) return undefined;
    return rewardFailure('invalid-image', `The image cannot be scored: ${problem}.`);
  });
  const entries = images.map((image, index): Entry => {
    const prompt = prompts[index] ?? '';
    return { index, image, prompt, group: groups?.[index] ?? prompt };
  });
  const calls = cutIntoCalls(
    reward,
    entries.filter(({ index }) => results[index] === undefined),
  );
  const upcoming = calls.values();
  // Workers that share one iterator: each takes the next call when it is done with its last.
  const worker = async () => {
    for (const call of upcoming) {
      const part: RewardBatch = {
        images: call.map(({ image }) => image),
        prompts: call.map(({ prompt }) => prompt),
        ...(groups === undefined ? {} : { groups: call.map(({ index }) => groups[index]!) }),
      };
      const scored = await scoreChunk(reward, part, options);
      for (const [position, { index }] of call.entries()) results[index] = scored[position];
    }
  };
  const workers = Math.min(reward.concurrency ?? 1, calls.length);
  await Promise.all(Array.from({ length: workers }, worker));
  return results.map((result) => checkResult(reward, result));
}
