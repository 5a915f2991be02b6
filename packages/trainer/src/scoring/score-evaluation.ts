/** An evaluation's images are scored with patience: there is no next iteration that would make up for a failure. */
import { setTimeout as sleep } from 'node:timers/promises';

import {
  createCombination,
  isFailure,
  scoreAll,
  type Reward,
  type RewardResult,
} from '@loop-diffusion/rewards';

import { ALONE, type Workers } from '../workers/workers';
import { PAUSES } from './pauses';
import type { WeightedReward } from './rewards';
import { readScores, type Scores } from './scores';
import type { GroupedBatch } from './scoring';

/**
 * Where asking again may help it is done, after a pause. An image on which a reward fails for good has no reward, whatever
 * that reward's policy: a sum that lacks a term is another measure.
 *
 * @param batch of this process
 * @param workers that score a part of the images each; groups are numbered over all of them
 * @returns the scores of all workers' images, in their order
 * @throws the signal's reason as soon as it is aborted
 */
export async function scoreEvaluation(
  rewards: readonly WeightedReward[],
  batch: GroupedBatch,
  signal?: AbortSignal,
  workers: Workers = ALONE,
): Promise<Scores> {
  const own = await Promise.all(rewards.map(({ reward }) => scorePatiently(reward, batch, signal)));
  const shares = await workers.gather({ results: own, groups: batch.groups });
  const results = rewards.map((_, index) => shares.flatMap((share) => share.results[index] ?? []));
  const terms = rewards.map(asEvaluated);
  const groups = shares.flatMap((share) => share.groups);
  return readScores(terms, createCombination(terms), results, groups);
}

/** Scales over other images say nothing about these: the values themselves are compared, where no fixed scale is set. */
function asEvaluated(term: WeightedReward): WeightedReward {
  const scale = typeof term.scale === 'object' ? term.scale : 'none';
  return { ...term, scale, policy: 'mask' };
}

async function scorePatiently(
  reward: Reward,
  batch: GroupedBatch,
  signal: AbortSignal | undefined,
): Promise<RewardResult[]> {
  const results = await scoreAll(reward, batch, { signal });
  for (const pause of PAUSES) {
    signal?.throwIfAborted();
    const again = imagesToAskAgain(reward, batch, results);
    if (again.length === 0) break;
    await pauseUntil(pause, signal);
    const answers = await scoreAll(reward, partOf(batch, again), { signal });
    for (const [position, image] of again.entries()) results[image] = answers[position]!;
  }
  // What was called off looks like a failure, and is none.
  signal?.throwIfAborted();
  return results;
}

/** Where images are compared, all of a group are asked about again. */
function imagesToAskAgain(
  { scope }: Reward,
  { groups }: GroupedBatch,
  results: readonly RewardResult[],
): number[] {
  const failed = results.flatMap((result, image) => (mayPass(result) ? [image] : []));
  if (scope !== 'group') return failed;
  const concerned = new Set(failed.map((image) => groups[image]));
  return groups.flatMap((group, image) => (concerned.has(group) ? [image] : []));
}

/** Of what was thrown nobody knows whether it will pass. */
function mayPass(result: RewardResult): boolean {
  if (result.ok || !isFailure(result)) return false;
  return result.retryable || result.kind === 'exception';
}

function partOf(
  { images, prompts, groups }: GroupedBatch,
  chosen: readonly number[],
): GroupedBatch {
  return {
    images: chosen.map((image) => images[image]!),
    prompts: chosen.map((image) => prompts[image]!),
    groups: chosen.map((image) => groups[image]!),
  };
}

async function pauseUntil(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await sleep(milliseconds, undefined, { signal });
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  }
}
