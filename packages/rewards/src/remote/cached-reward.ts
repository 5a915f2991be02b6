/** Scores kept in a folder, by what they are scores of. */
import { createHash } from 'node:crypto';

import { imageProblem } from '../image';
import type { Reward, RewardBatch, RewardResult, RewardScore } from '../reward';
import { toUint8 } from '../to-uint8';
import { ScoreFolder } from './score-folder';

export interface CacheOptions {
  /** Made if it is not there. Several processes may share it, also for several rewards. */
  readonly folder: string;
  /** On the disk, where a score takes a block of 4 KiB; those that were not used for longest go first. Default 1 GiB, a quarter of a million scores. */
  readonly maximumBytes?: number | undefined;
}

/**
 * A reward that remembers its scores, and asks for the others only.
 *
 * The key is a SHA-256 over the reward's name and version (which names its weights and parameters), the prompt and the
 * image's size and bytes. A prompt counts in Unicode's form NFC, but is not trimmed: "é" is one letter however it is
 * written, whereas a blank can be a token. The reward itself is shown what the key is made of, the prompt in that form and
 * the image in bytes ({@link toUint8}), so that a score is the same whether it was remembered or not.
 *
 * Failures are not kept, nor what is not finite or out of range. A reward that is not deterministic, or compares the
 * images of a prompt, is returned as it is.
 *
 * @throws {Error} when the folder cannot be made; later trouble with it only means that scores are asked for again
 * @throws {RangeError} when `maximumBytes` is less than a block
 */
export function cachedReward(
  reward: Reward,
  { folder, maximumBytes = 2 ** 30 }: CacheOptions,
): Reward {
  if (reward.deterministic === false || reward.scope === 'group') return reward;
  const scores = new ScoreFolder(folder, maximumBytes);
  return {
    name: reward.name,
    version: reward.version,
    range: reward.range,
    batchSize: reward.batchSize,
    concurrency: reward.concurrency,
    scope: reward.scope,
    deterministic: reward.deterministic,
    async score(batch, options) {
      const canonical = canonicalBatch(batch);
      const keys = canonical.images.map((image, index) =>
        scoreKey(reward, image, canonical.prompts[index] ?? ''),
      );
      const results: (RewardResult | undefined)[] = await Promise.all(
        keys.map((key) => scores.read(key)),
      );
      const missing = [...keys.keys()].filter((index) => results[index] === undefined);
      if (missing.length === 0) return results as RewardResult[];
      const asked = await reward.score(
        {
          images: missing.map((index) => canonical.images[index]!),
          prompts: missing.map((index) => canonical.prompts[index] ?? ''),
        },
        options,
      );
      // A wrong number of results is for the caller to see, and teaches nothing about any image.
      if (asked.length !== missing.length) return asked;
      await Promise.all(
        asked.map(async (result, position) => {
          const index = missing[position]!;
          results[index] = result;
          if (isKeepable(reward, result)) await scores.write(keys[index]!, result);
        }),
      );
      return results as RewardResult[];
    },
    async dispose() {
      await scores.settle();
      await reward.dispose?.();
    },
  };
}

function canonicalBatch({ images, prompts }: RewardBatch): RewardBatch {
  return {
    images: images.map((image) =>
      imageProblem(image) === undefined ? { ...image, data: toUint8(image) } : image,
    ),
    prompts: prompts.map((prompt) => prompt.normalize('NFC')),
  };
}

function scoreKey(
  { name, version }: Reward,
  { width, height, data }: RewardBatch['images'][number],
  prompt: string,
): string {
  // JSON keeps the parts apart, whatever characters are in them.
  return createHash('sha256')
    .update(JSON.stringify([1, name, version, width, height, prompt]))
    .update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength))
    .digest('hex');
}

function isKeepable({ range: [least, most] }: Reward, result: RewardResult): result is RewardScore {
  return (
    result.ok && Number.isFinite(result.value) && result.value >= least && result.value <= most
  );
}
