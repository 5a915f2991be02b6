/**
 * Where prompts come from: the embedded benchmark, a text file or a list.
 *
 * Only `run-folder`, `learning`, `model-card`, `tracking`, `gradient-variance`, `study`, `run`, `api` and `command-line` may
 * import this folder.
 */
import { resolve } from 'node:path';

import { evaluationPrompts, trainingPrompts } from '@loop-diffusion/shapes-benchmark';

import { splitPrompts } from './held-out';
import type { TaggedPrompt } from './prompt-order';
import { readPromptFile } from './read-prompt-file';

/** `shapes` for the embedded split, the path of a text file with a prompt a line, or the prompts themselves. */
export type PromptSource = string | readonly TaggedPrompt[];

export interface PromptSources {
  readonly training: PromptSource;
  readonly evaluation: PromptSource;
  /** Of a file or a list that both name, the fraction to set aside, in [0, 1). */
  readonly heldOutFraction: number;
}

export interface RunPrompts {
  readonly training: readonly TaggedPrompt[];
  readonly evaluation: readonly TaggedPrompt[];
  /** Whether none of the evaluation's prompts is trained on. */
  readonly areHeldOut: boolean;
}

/** @param count how many to evaluate; they are repeated from their start where there are fewer */
export async function readRunPrompts(
  { training, evaluation, heldOutFraction }: PromptSources,
  count: number,
): Promise<RunPrompts> {
  if (training !== 'shapes' && isSame(training, evaluation)) {
    const prompts = await readPrompts(training);
    const byText = new Map(prompts.map((prompt) => [prompt.text, prompt]));
    const texts = prompts.map(({ text }) => text);
    const split = splitPrompts(texts, heldOutFraction);
    const taggedAs = (some: readonly string[]) => some.map((text) => byText.get(text)!);
    return {
      training: split ? taggedAs(split.training) : prompts,
      evaluation: repeated(split ? taggedAs(split.heldOut) : prompts, count),
      areHeldOut: split !== undefined,
    };
  }
  const trained = training === 'shapes' ? trainingPrompts() : await readPrompts(training);
  const evaluated = await readEvaluationPrompts(evaluation, count);
  const texts = new Set(trained.map(({ text }) => text));
  return {
    training: trained,
    evaluation: evaluated,
    areHeldOut: !evaluated.some(({ text }) => texts.has(text)),
  };
}

/** @param count how many; prompts of a file or a list are repeated from its start when it has fewer */
export async function readEvaluationPrompts(
  source: PromptSource,
  count: number,
): Promise<TaggedPrompt[]> {
  return source === 'shapes'
    ? evaluationPrompts(count)
    : repeated(await readPrompts(source), count);
}

async function readPrompts(source: PromptSource): Promise<readonly TaggedPrompt[]> {
  return typeof source === 'string'
    ? (await readPromptFile(source)).map((text) => ({ text }))
    : source;
}

function isSame(one: PromptSource, other: PromptSource): boolean {
  return typeof one === 'string' && typeof other === 'string'
    ? resolve(one) === resolve(other)
    : one === other;
}

function repeated(prompts: readonly TaggedPrompt[], count: number): TaggedPrompt[] {
  return Array.from({ length: count }, (_, index) => prompts[index % prompts.length]!);
}
