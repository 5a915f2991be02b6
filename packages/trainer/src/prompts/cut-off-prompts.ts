/** Prompts that are longer than a model reads. */
export interface CutOffPrompts {
  /** How many different prompts. */
  readonly count: number;
  /** The first of them, and the end of it that the model never sees. */
  readonly prompt: string;
  readonly lost: string;
}

/** Sentences for people. */
export function cutOffText({ count, prompt, lost }: CutOffPrompts): string {
  const what = count === 1 ? 'A prompt is' : `${String(count)} prompts are`;
  return `${what} longer than the model reads: of '${shortened(prompt)}' it never sees '${shortened(lost)}'. Write what matters first, or shorter.`;
}

function shortened(text: string): string {
  return text.length > 100 ? `${text.slice(0, 99)}…` : text;
}
