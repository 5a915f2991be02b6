/** Mean reward of a policy on prompts that it is not trained on, always from the same noise. */
import type { Image } from '@loop-diffusion/rewards';

import { drawImages, type DrawRequest } from '../policy/draw-images';
import type { Policy } from '../policy/policy';
import type { TaggedPrompt } from '../prompts/prompt-order';
import type { EvaluationRecord, FamilyScore } from '../run-folder/records';
import { scoreImages, withFixedScales, type WeightedReward } from '../scoring/rewards';
import { meanWithError } from '../statistics';
import { UserError } from '../user-error';

export interface EvaluationRequest extends Omit<DrawRequest, 'prompts'> {
  readonly name: string;
  readonly prompts: readonly TaggedPrompt[];
  readonly rewards: readonly WeightedReward[];
}

export interface Evaluation {
  readonly record: EvaluationRecord;
  readonly images: Image[];
}

/** @throws UserError when a reward fails on an image: a mean over fewer images could not be compared with another */
export async function evaluatePolicy(
  policy: Policy,
  request: EvaluationRequest,
): Promise<Evaluation> {
  const prompts = request.prompts.map((prompt) => prompt.text);
  const images = await drawImages(policy, { ...request, prompts });
  const scores = await scoreImages(withFixedScales(request.rewards), { images, prompts });
  // Also of a reward that a sum could do without: with and without it are two measures.
  const failed = Math.max(scores.failed, Math.round(scores.failureRate * images.length));
  if (failed > 0) {
    throw new UserError(
      `The reward failed on ${failed} of ${images.length} evaluated images (${scores.failure ?? 'no reason given'}).`,
    );
  }
  const { steps, eta, guidance } = request.settings;
  return {
    images,
    record: {
      name: request.name,
      ...meanWithError(scores.total),
      count: images.length,
      families: byFamily(request.prompts, scores.total),
      rewards: scores.total,
      components: Object.fromEntries(
        Object.entries(scores.values).map(([name, values]) => [
          name,
          meanWithError(values.filter((value) => !Number.isNaN(value))),
        ]),
      ),
      settings: { steps, eta, guidance },
    },
  };
}

function byFamily(
  prompts: readonly TaggedPrompt[],
  rewards: readonly number[],
): Record<string, FamilyScore> {
  const groups = new Map<string, number[]>();
  for (const [index, { family }] of prompts.entries()) {
    if (family === undefined) continue;
    const group = groups.get(family) ?? [];
    group.push(rewards[index] ?? Number.NaN);
    groups.set(family, group);
  }
  return Object.fromEntries(
    [...groups].map(([family, values]) => [
      family,
      { ...meanWithError(values), count: values.length },
    ]),
  );
}
