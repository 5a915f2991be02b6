/**
 * Training's images are scored while others are still being drawn.
 *
 * Only `report`, `run`, `api` and `command-line` may import this folder.
 */
import { setMaxListeners } from 'node:events';

import {
  averageQuality,
  imageProblem,
  imageQuality,
  scoreAll,
  type Combination,
  type ImageQuality,
  type Reward,
  type RewardBatch,
  type RewardResult,
} from '@loop-diffusion/rewards';

import { ALONE, type Workers } from '../workers/workers';
import type { WeightedReward } from './rewards';
import { readScores, type Scores } from './scores';

/** Images, and which of them were made for one prompt. */
export type GroupedBatch = RewardBatch & { readonly groups: readonly number[] };

export interface Scoring {
  /** Begins with these; returns at once. */
  add(batch: GroupedBatch): void;
  /**
   * Of all images, in the order of the workers and then of that in which they were added, whatever the order in which scores
   * arrived.
   *
   * @throws the signal's reason as soon as it is aborted, and UserError when a required reward failed
   */
  finish(): Promise<Scores & { readonly quality: ImageQuality }>;
  /** Calls off what is still under way. To be called at the end, whatever it was. */
  end(): void;
}

/**
 * @param combination of these rewards
 * @param workers that score a part of the images each; groups are numbered over all of them
 */
export function createScoring(
  rewards: readonly WeightedReward[],
  combination: Combination,
  signal: AbortSignal,
  workers: Workers = ALONE,
): Scoring {
  const batches: GroupedBatch[] = [];
  const scored: Promise<RewardResult[][]>[] = [];
  const qualities: Promise<ImageQuality[]>[] = [];
  const own = new AbortController();
  // Every call that is under way listens; that many are no leak.
  setMaxListeners(0, own.signal);
  const follow = (): void => {
    own.abort(signal.reason);
  };
  if (signal.aborted) follow();
  signal.addEventListener('abort', follow, { once: true });

  const isDueAtOnce = ({ reward }: WeightedReward) => reward.scope !== 'group';
  const score = (reward: Reward, batch: RewardBatch) =>
    scoreAll(reward, batch, { signal: own.signal });
  return {
    add(batch) {
      const results = Promise.all(
        rewards.map(async (term) => (isDueAtOnce(term) ? score(term.reward, batch) : [])),
      );
      // A picture that is none is the rewards' failure to report.
      const pictures = batch.images.filter((image) => imageProblem(image) === undefined);
      const quality = Promise.all(pictures.map(imageQuality));
      // Looked at in the end, where it is thrown; until then it is nobody's unhandled failure.
      results.catch(() => undefined);
      quality.catch(() => undefined);
      batches.push(batch);
      scored.push(results);
      qualities.push(quality);
    },
    async finish() {
      const done = await Promise.all(scored);
      const drawn = {
        images: batches.flatMap(({ images }) => images),
        prompts: batches.flatMap(({ prompts }) => prompts),
        groups: batches.flatMap(({ groups }) => groups),
      };
      const ownResults = await Promise.all(
        rewards.map(async (term, index) =>
          isDueAtOnce(term)
            ? done.flatMap((batch) => batch[index] ?? [])
            : score(term.reward, drawn),
        ),
      );
      // What was called off looks like a failure, and is none.
      signal.throwIfAborted();
      const shares = await workers.gather({
        ...{ results: ownResults, groups: drawn.groups },
        quality: (await Promise.all(qualities)).flat(),
      });
      const results = rewards.map((_, index) =>
        shares.flatMap((share) => share.results[index] ?? []),
      );
      const groups = shares.flatMap((share) => share.groups);
      return {
        ...readScores(rewards, combination, results, groups),
        quality: averageQuality(shares.flatMap(({ quality }) => quality)),
      };
    },
    end() {
      signal.removeEventListener('abort', follow);
      own.abort(new DOMException('Nobody waits for the scores any more.', 'AbortError'));
    },
  };
}
