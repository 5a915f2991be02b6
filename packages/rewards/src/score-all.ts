import { imageProblem } from './image';
import {
  type Reward,
  type RewardBatch,
  rewardFailure,
  type RewardFailure,
  type RewardResult,
} from './reward';

function describeError(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Turns what a reward gave for one image into a result that can be trusted. */
function checkResult(reward: Reward, result: RewardResult | undefined): RewardResult {
  if (typeof result?.ok !== 'boolean') {
    return rewardFailure('malformed', `Reward "${reward.name}" gave no result for this image.`);
  }
  if (!result.ok) return result;
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

/** Scores what fits into one call; every way to fail becomes a failure of each of its images. */
async function scoreChunk(reward: Reward, batch: RewardBatch): Promise<RewardResult[]> {
  const failAll = (failure: RewardFailure) => batch.images.map(() => failure);
  let results: RewardResult[];
  try {
    results = await reward.score(batch);
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

/**
 * Scores any number of images: in calls of at most `reward.batchSize`, one after the other.
 *
 * Whatever goes wrong is a failure of the images concerned, never a score and never an exception: a
 * reward that throws (`exception`), that gives too few or too many results (`wrong-count`), or a
 * result that is none (`malformed`), not finite (`non-finite`) or outside the reward's range
 * (`out-of-range`). An image with a wrong length or non-finite values (`invalid-image`) is not
 * shown to the reward at all.
 *
 * @returns one result per image, in order
 * @throws {RangeError} when there are not as many prompts as images, or the reward's batch size is
 * not a whole number of at least 1: these are mistakes of the program, not of a reward
 */
export async function scoreAll(reward: Reward, batch: RewardBatch): Promise<RewardResult[]> {
  const { images, prompts } = batch;
  if (images.length !== prompts.length) {
    throw new RangeError(
      `There are ${images.length} images and ${prompts.length} prompts; pass one prompt per image.`,
    );
  }
  const { batchSize } = reward;
  if (!Number.isSafeInteger(batchSize) || batchSize < 1) {
    throw new RangeError(
      `Reward "${reward.name}" has batch size ${batchSize}; expected a whole number of at least 1.`,
    );
  }
  const results = images.map((image): RewardResult | undefined => {
    const problem = imageProblem(image);
    if (problem === undefined) return undefined;
    return rewardFailure('invalid-image', `The image cannot be scored: ${problem}.`);
  });
  const entries = images.map((image, index) => ({ index, image, prompt: prompts[index] ?? '' }));
  const valid = entries.filter(({ index }) => results[index] === undefined);
  for (let start = 0; start < valid.length; start += batchSize) {
    const chunk = valid.slice(start, start + batchSize);
    const scored = await scoreChunk(reward, {
      images: chunk.map(({ image }) => image),
      prompts: chunk.map(({ prompt }) => prompt),
    });
    for (const [position, { index }] of chunk.entries()) results[index] = scored[position];
  }
  return results.map((result) => checkResult(reward, result));
}
