import { STREAMS } from '../noise-streams';
import { shuffled } from '../prompts/prompt-order';

/**
 * The denoise steps that an iteration learns from: all of them, or `count` drawn without replacement, each as likely as any
 * other. The mean over the drawn steps is then an unbiased estimate of the mean over all, with the variance between steps
 * added, for count / all of the arithmetic.
 *
 * @param steps indices of the steps that may be trained, ascending
 * @param count null for all
 * @returns indices, ascending
 */
export function chooseTrainedSteps(
  steps: readonly number[],
  count: number | null,
  seed: number,
  iteration: number,
): readonly number[] {
  if (count === null || count >= steps.length) return steps;
  const key = { seed, prompt: iteration, sample: 0, step: 0, stream: STREAMS.trainedSteps };
  const chosen = new Set(shuffled(steps.length, key).slice(0, count));
  return steps.filter((_, position) => chosen.has(position));
}
