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
    return rewardFailure('malformed', `Reward "${reward.name}" gave no result for this image.`);
  }
  if (!result.ok) return checkFailure(reward, result);
  const { value } = result;
  if (!Number.isFinite(value)) {
    return rewardFailure(
      'non-finite',
      `Reward "${reward.name}" gave ${String(value)}; expected a finite number.`,
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
    results = await reward.score(batch, options);
  } catch (error) {
    const message = `Reward "${reward.name}" failed: ${describeError(error)}`;
    return failAll(rewardFailure('exception', message));
  }
  if (!Array.isArray(results) || results.length !== batch.images.length) {
    const count = Array.isArray(results) ? `${results.length} results` : 'no list of results';
    const message = `Reward "${reward.name}" gave ${count} for ${batch.images.length} images.`;
    return failAll(rewardFailure('wrong-count', message));
  }
  return results.map((result) => checkResult(reward, result));
}

interface Entry {
  readonly index: number;
  readonly image: Image;
  readonly prompt: string;
}

/** What goes into one call each: at most `batchSize` images, or all of a prompt where they are scored together. */
function cutIntoCalls({ batchSize, scope }: Reward, entries: readonly Entry[]): Entry[][] {
  if (scope === 'group') {
    const groups = new Map<string, Entry[]>();
    for (const entry of entries) {
      const group = groups.get(entry.prompt);
      if (group === undefined) groups.set(entry.prompt, [entry]);
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

function assertAtLeastOne(reward: Reward, what: string, value: number): void {
  if (Number.isSafeInteger(value) && value >= 1) return;
  throw new RangeError(
    `Reward "${reward.name}" has ${what} ${value}; expected a whole number of at least 1.`,
  );
}

/**
 * Scores any number of images: in calls of at most `reward.batchSize` (all images of a prompt for a
 * reward of scope `group`), `reward.concurrency` of them at a time.
 *
 * Whatever goes wrong is a failure of the images concerned, never a score and never an exception: a
 * reward that throws (`exception`), that gives too few or too many results (`wrong-count`), or a
 * result that is none (`malformed`), not finite (`non-finite`) or outside the reward's range
 * (`out-of-range`). An image with a wrong length or non-finite values (`invalid-image`) is not
 * shown to the reward at all.
 *
 * @returns one result per image, in order, whatever the order in which calls came back
 * @throws {RangeError} when there are not as many prompts as images, or the reward's batch size or
 * concurrency is not a whole number of at least 1: these are mistakes of the program, not of a reward
 */
export async function scoreAll(
  reward: Reward,
  { images, prompts }: RewardBatch,
  options: ScoreOptions = {},
): Promise<RewardResult[]> {
  if (images.length !== prompts.length) {
    throw new RangeError(
      `There are ${images.length} images and ${prompts.length} prompts; pass one prompt per image.`,
    );
  }
  const { batchSize, concurrency = 1 } = reward;
  assertAtLeastOne(reward, 'batch size', batchSize);
  assertAtLeastOne(reward, 'concurrency', concurrency);
  const results = images.map((image): RewardResult | undefined => {
    const problem = imageProblem(image);
    if (problem === undefined) return undefined;
    return rewardFailure('invalid-image', `The image cannot be scored: ${problem}.`);
  });
  const entries = images.map((image, index) => ({ index, image, prompt: prompts[index] ?? '' }));
  const calls = cutIntoCalls(
    reward,
    entries.filter(({ index }) => results[index] === undefined),
  ).values();
  // Workers that share one iterator: each takes the next call when it is done with its last.
  const worker = async () => {
    for (const call of calls) {
      const scored = await scoreChunk(
        reward,
        { images: call.map(({ image }) => image), prompts: call.map(({ prompt }) => prompt) },
        options,
      );
      for (const [position, { index }] of call.entries()) results[index] = scored[position];
    }
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
  return results.map((result) => checkResult(reward, result));
}
