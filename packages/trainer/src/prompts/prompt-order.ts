/** Which prompts an iteration trains on: a function of the seed and the position alone, so that nothing need be saved. */
import { counterUniform, type NoiseKey } from '@loop-diffusion/diffusion-mdp';

import { STREAMS } from '../noise-streams';

/** A prompt and the family that its results are reported under. */
export interface TaggedPrompt {
  readonly text: string;
  readonly family?: string | undefined;
}

/**
 * The `count` prompts from position `start` of an endless order: families take turns, and within a family every prompt
 * comes once before any comes again, in an order shuffled anew each time round.
 */
export function promptsAt(
  prompts: readonly TaggedPrompt[],
  seed: number,
  start: number,
  count: number,
): TaggedPrompt[] {
  const families = byFamily(prompts);
  // Of a file with a million lines an order takes seconds, and the prompts of an iteration have one or two.
  const orders = new Map<string, number[]>();
  return Array.from({ length: count }, (_, offset) => {
    const position = start + offset;
    const familyIndex = position % families.length;
    const family = families[familyIndex] ?? [];
    const turn = Math.floor(position / families.length);
    const round = Math.floor(turn / family.length);
    const name = `${familyIndex} ${round}`;
    const order =
      orders.get(name) ??
      shuffled(family.length, {
        seed,
        prompt: round,
        sample: familyIndex,
        step: 0,
        stream: STREAMS.promptOrder,
      });
    orders.set(name, order);
    const prompt = family[order[turn % family.length] ?? 0];
    if (prompt === undefined) throw new Error('A run needs at least one prompt.');
    return prompt;
  });
}

/** A permutation of 0 … count − 1, one for each key (Fisher & Yates). */
export function shuffled(count: number, key: NoiseKey): number[] {
  const order = Array.from({ length: count }, (_, index) => index);
  const draws = counterUniform(key, count);
  for (let last = count - 1; last > 0; last -= 1) {
    const other = Math.floor((draws[last] ?? 0) * (last + 1));
    [order[last], order[other]] = [order[other] ?? 0, order[last] ?? 0];
  }
  return order;
}

function byFamily(prompts: readonly TaggedPrompt[]): TaggedPrompt[][] {
  const families = new Map<string | undefined, TaggedPrompt[]>();
  for (const prompt of prompts) {
    const family = families.get(prompt.family) ?? [];
    family.push(prompt);
    families.set(prompt.family, family);
  }
  return [...families.values()];
}
