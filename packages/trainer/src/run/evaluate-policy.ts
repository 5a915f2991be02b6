/** Mean reward of a policy on prompts that it is not trained on, always from the same noise. */
import type { Image } from '@loop-diffusion/rewards';

import { drawImages, type DrawRequest } from '../policy/draw-images';
import type { Policy } from '../policy/policy';
import type { TaggedPrompt } from '../prompts/prompt-order';
import type { EvaluationRecord, FamilyScore } from '../run-folder/records';
import type { WeightedReward } from '../scoring/rewards';
import { scoreEvaluation } from '../scoring/score-evaluation';
import type { Scores } from '../scoring/scores';
import { meanWithError, withoutMissing } from '../statistics';
import { ALONE, shareOf, type Workers } from '../workers/workers';
import type { EvaluationPlan } from './evaluation-plan';

export interface EvaluationRequest extends Omit<DrawRequest, 'prompts'> {
  readonly name: string;
  readonly plan: EvaluationPlan;
  readonly rewards: readonly WeightedReward[];
  /** The processes that evaluate together, each a part of the images; this one alone when left out. */
  readonly workers?: Workers | undefined;
  /** Called with the images before they are scored, which may fail. */
  readonly onDrawn?: ((images: readonly Image[]) => Promise<void>) | undefined;
}

export interface Evaluation {
  readonly record: EvaluationRecord;
  readonly scores: Scores;
  /** Those that this process has drawn; the first one's come first. */
  readonly images: Image[];
}

/**
 * Images on which a reward failed, or to which none applies, are counted and left out of the means.
 *
 * @throws the signal's reason as soon as it is aborted
 */
export async function evaluatePolicy(
  policy: Policy,
  request: EvaluationRequest,
): Promise<Evaluation> {
  const { plan, signal, workers = ALONE } = request;
  const { first, count } = shareOfGroups(workers, plan.groups);
  const prompts = plan.prompts.slice(first, first + count).map((prompt) => prompt.text);
  const images = await drawImages(policy, { ...request, prompts, first });
  await request.onDrawn?.(images);
  const batch = { images, prompts, groups: plan.groups.slice(first, first + count) };
  const scores = await scoreEvaluation(request.rewards, batch, signal, workers);
  const { steps, eta, guidance } = request.settings;
  return {
    images,
    scores,
    record: {
      name: request.name,
      ...scoreOf(scores.total),
      failed: scores.failed,
      notApplicable: scores.notApplicable,
      failures: [...scores.failures],
      families: byFamily(plan.prompts, scores.total),
      imageFamilies: familiesOf(plan.prompts),
      rewards: [...scores.total],
      components: Object.fromEntries(
        Object.entries(scores.values).map(([name, values]) => [
          name,
          meanWithError(withoutMissing(values)),
        ]),
      ),
      settings: { steps, eta, guidance },
    },
  };
}

/** Images of a group, which stand side by side, are one worker's. */
function shareOfGroups(workers: Workers, groups: readonly number[]): ReturnType<typeof shareOf> {
  const share = shareOf(workers, new Set(groups).size);
  const inShare = (group: number) => group >= share.first && group < share.first + share.count;
  return {
    first: groups.filter((group) => group < share.first).length,
    count: groups.filter(inShare).length,
  };
}

function scoreOf(rewards: readonly number[]): FamilyScore {
  const scored = withoutMissing(rewards);
  return { ...meanWithError(scored), count: scored.length };
}

function familiesOf(prompts: readonly TaggedPrompt[]): string[] | undefined {
  const families = prompts.map(({ family = '' }) => family);
  return families.some((family) => family !== '') ? families : undefined;
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
  return Object.fromEntries([...groups].map(([family, values]) => [family, scoreOf(values)]));
}
