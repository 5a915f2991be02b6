/** Where prompts come from: the embedded benchmark or a text file. */
import { evaluationPrompts, trainingPrompts } from '@loop-diffusion/shapes-benchmark';

import type { TaggedPrompt } from './prompt-order';
import { readPromptFile } from './read-prompt-file';

/** @param source `shapes` for the embedded training split, or the path of a text file with a prompt a line */
export async function readTrainingPrompts(source: string): Promise<TaggedPrompt[]> {
  return source === 'shapes' ? trainingPrompts() : readLines(source);
}

/**
 * @param source `shapes` for the embedded held-out split, or the path of a text file with a prompt a line
 * @param count how many; a file's prompts are repeated from its start when it has fewer
 */
export async function readEvaluationPrompts(
  source: string,
  count: number,
): Promise<TaggedPrompt[]> {
  if (source === 'shapes') return evaluationPrompts(count);
  const lines = await readLines(source);
  return Array.from({ length: count }, (_, index) => lines[index % lines.length] as TaggedPrompt);
}

async function readLines(path: string): Promise<TaggedPrompt[]> {
  return (await readPromptFile(path)).map((text) => ({ text }));
}
