/** Prompts that a model reads the beginning of only. */
import { cutOffPrompt, type StableDiffusion } from '@loop-diffusion/diffusion-models';

import type { CutOffPrompts } from './cut-off-prompts';

/** Of a file with a million lines all would take minutes, and the first ones say enough. */
const MOST = 20_000;

/** @returns undefined where the model sees every prompt, or at least the first 20,000, whole */
export function findCutOffPrompts(
  model: Pick<StableDiffusion, 'tokenizer' | 'tokenizer2'>,
  prompts: Iterable<string>,
): CutOffPrompts | undefined {
  const cut = [...new Set(prompts)].slice(0, MOST).flatMap((prompt) => {
    const lost = cutOffPrompt(model, prompt);
    return lost === '' ? [] : [{ prompt, lost }];
  });
  const [first] = cut;
  return first && { count: cut.length, ...first };
}
