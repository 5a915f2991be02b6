/** Where prompts come from: the embedded benchmark or a text file. */
import { resolve } from 'node:path';

import { evaluationPrompts, trainingPrompts } from '@loop-diffusion/shapes-benchmark';

import { splitPrompts } from './held-out';
import type { TaggedPrompt } from './prompt-order';
import { readPromptFile } from './read-prompt-file';

/** Both are `shapes` for the embedded split, or the path of a text file with a prompt a line. */
export interface PromptSources {
  readonly training: string;
  readonly evaluation: string;
  /** Of a file that both name, the fraction to set aside, in [0, 1). */
  readonly heldOutFraction: number;
}

export interface RunPrompts {
  readonly training: TaggedPrompt[];
  readonly evaluation: TaggedPrompt[];
  /** Whether none of the evaluation's prompts is trained on. */
  readonly areHeldOut: boolean;
}

/** @param count how many to evaluate; they are repeated from their start where there are fewer */
export async function readRunPrompts(
  { training, evaluation, heldOutFraction }: PromptSources,
  count: number,
): Promise<RunPrompts> {
  if (training !== 'shapes' && resolve(training) === resolve(evaluation)) {
    const texts = await readPromptFile(training);
    const split = splitPrompts(texts, heldOutFraction);
    return {
      training: tagged(split?.training ?? texts),
      evaluation: repeated(tagged(split?.heldOut ?? texts), count),
      areHeldOut: split !== undefined,
    };
  }
  const trained =
    training === 'shapes' ? trainingPrompts() : tagged(await readPromptFile(training));
  const evaluated = await readEvaluationPrompts(evaluation, count);
  const texts = new Set(trained.map(({ text }) => text));
  return {
    training: trained,
    evaluation: evaluated,
    areHeldOut: !evaluated.some(({ text }) => texts.has(text)),
  };
}

/**
 * @param source `shapes` for the embedded held-out split, or the path of a text file with a prompt a line
 * @param count how many; a file's prompts are repeated from its start when it has fewer
 */
export async function readEvaluationPrompts(
  source: string,
  count: number,
): Promise<TaggedPrompt[]> {
  return source === 'shapes'
    ? evaluationPrompts(count)
    : repeated(tagged(await readPromptFile(source)), count);
}

function tagged(texts: readonly string[]): TaggedPrompt[] {
  return texts.map((text) => ({ text }));
}

function repeated(prompts: readonly TaggedPrompt[], count: number): TaggedPrompt[] {
  return Array.from({ length: count }, (_, index) => prompts[index % prompts.length]!);
}
