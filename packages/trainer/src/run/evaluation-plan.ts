/** Which images an evaluation draws. */
import type { TaggedPrompt } from '../prompts/prompt-order';
import type { WeightedReward } from '../scoring/rewards';

/** Of each prompt, where a reward compares a prompt's images. */
const IMAGES_TO_COMPARE = 2;

export interface EvaluationPlan {
  /** One per image. */
  readonly prompts: readonly TaggedPrompt[];
  /** One per image: those with the same number are compared by the rewards that compare images. */
  readonly groups: readonly number[];
}

/**
 * One image a prompt; or two side by side for half as many prompts, where one of the rewards compares the images of a prompt
 * and would have nothing to say of one alone.
 *
 * @param prompts at least `count`
 * @param count images
 */
export function planEvaluation(
  prompts: readonly TaggedPrompt[],
  count: number,
  rewards: readonly Pick<WeightedReward, 'reward'>[],
): EvaluationPlan {
  const each = imagesOfAPrompt(rewards);
  const images = prompts.slice(0, count);
  const groups = images.map((_, image) => Math.floor(image / each));
  return { prompts: groups.map((group) => prompts[group]!), groups };
}

/** How many images of a prompt an evaluation needs. */
export function imagesOfAPrompt(rewards: readonly Pick<WeightedReward, 'reward'>[]): number {
  return rewards.some(({ reward }) => reward.scope === 'group') ? IMAGES_TO_COMPARE : 1;
}
