import type { StableDiffusion } from '../folder/stable-diffusion';

/**
 * What of a prompt the model never sees: its text encoders take so many tokens (75 of a prompt, usually), and what comes after
 * them is cut off. Texts that differ there alone are one prompt to the model.
 *
 * @returns the lost end of the prompt, as its tokens spell it: in lower case, with a space between any two words; empty where
 *   nothing is lost
 */
export function cutOffPrompt(
  { tokenizer, tokenizer2 }: Pick<StableDiffusion, 'tokenizer' | 'tokenizer2'>,
  prompt: string,
): string {
  // XL sees what either of its encoders sees.
  const lost = [tokenizer, ...(tokenizer2 === undefined ? [] : [tokenizer2])].map((one) =>
    one.cutOff(prompt),
  );
  return lost.reduce((shortest, text) => (text.length < shortest.length ? text : shortest));
}
