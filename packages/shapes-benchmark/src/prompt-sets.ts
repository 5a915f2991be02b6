import { type Colour, COLOURS, type Shape, SHAPES, TEXTURES } from './palette';
import {
  countPrompt,
  FAMILIES,
  type Family,
  pairPrompt,
  RELATIONS,
  type SceneObject,
  type ShapesPrompt,
  singlePrompt,
  spatialPrompt,
} from './prompt';

type Kind = readonly [Colour, Shape];

/**
 * The colour–shape combinations that fine-tuning sees. The other nine are held out. Every colour
 * and every shape is on both sides, and every side has three colours with two shapes, so that all
 * five families exist in both; only the combinations are new.
 */
export const TRAINING_COMBINATIONS: readonly Kind[] = [
  ['red', 'triangle'],
  ['green', 'circle'],
  ['blue', 'square'],
  ['yellow', 'square'],
  ['yellow', 'triangle'],
  ['purple', 'circle'],
  ['purple', 'triangle'],
  ['orange', 'circle'],
  ['orange', 'square'],
];

const ALL_COMBINATIONS: readonly Kind[] = COLOURS.flatMap((colour) =>
  SHAPES.map((shape) => [colour, shape] as const),
);

/** The colour–shape combinations that evaluation asks for and fine-tuning never shows. */
export const HELD_OUT_COMBINATIONS: readonly Kind[] = ALL_COMBINATIONS.filter(
  ([colour, shape]) => !TRAINING_COMBINATIONS.some(([c, s]) => c === colour && s === shape),
);

function promptsFrom(combinations: readonly Kind[]): ShapesPrompt[] {
  const objects = combinations.map(([colour, shape]): SceneObject => ({
    colour,
    shape,
    texture: 'solid',
  }));
  const orderedPairs = objects.flatMap((first) =>
    objects.filter((second) => second !== first).map((second) => [first, second] as const),
  );
  const twoColoured = orderedPairs.filter(([first, second]) => first.colour !== second.colour);
  const named = TEXTURES.filter((texture) => texture !== 'solid');
  return [
    ...objects.map(singlePrompt),
    ...orderedPairs.map(([first, second]) => pairPrompt(first, second)),
    ...objects.flatMap((object) => named.map((texture) => singlePrompt({ ...object, texture }))),
    ...twoColoured.flatMap(([first, second]) =>
      RELATIONS.map((relation) => spatialPrompt(first, relation, second)),
    ),
    ...objects.flatMap((object) => [2, 3, 4].map((count) => countPrompt(count, object))),
  ];
}

/** Every prompt that uses only {@link TRAINING_COMBINATIONS}: what fine-tuning may see. */
export function trainingPrompts(): ShapesPrompt[] {
  return promptsFrom(TRAINING_COMBINATIONS);
}

/** Every prompt that uses only {@link HELD_OUT_COMBINATIONS}: what evaluation asks. */
export function heldOutPrompts(): ShapesPrompt[] {
  return promptsFrom(HELD_OUT_COMBINATIONS);
}

/** Every prompt over all 18 combinations, mixed ones too: what the base model is pretrained on. */
export function allPrompts(): ShapesPrompt[] {
  return promptsFrom(ALL_COMBINATIONS);
}

function groupByFamily(prompts: readonly ShapesPrompt[]): Map<Family, ShapesPrompt[]> {
  const groups = new Map<Family, ShapesPrompt[]>();
  for (const family of FAMILIES) {
    const group = prompts.filter((prompt) => prompt.family === family);
    if (group.length > 0) groups.set(family, group);
  }
  return groups;
}

/** Fisher–Yates, in place. */
function shuffle<T>(values: T[], draw: () => number): T[] {
  for (let i = values.length - 1; i > 0; i--) {
    const j = Math.floor(draw() * (i + 1));
    const held = values[i] as T;
    values[i] = values[j] as T;
    values[j] = held;
  }
  return values;
}

/**
 * Draws prompts balanced over the families that occur: each family gets `count / families` of
 * them, rounded up or down, whatever its number of prompts. No prompt comes twice before all of
 * its family have come.
 *
 * @param prompts where to draw from, at least one
 * @param count how many to draw
 * @param draw uniform in [0, 1)
 * @throws when `prompts` is empty or `count` is not a whole number ≥ 0
 */
export function samplePrompts(
  prompts: readonly ShapesPrompt[],
  count: number,
  draw: () => number,
): ShapesPrompt[] {
  if (prompts.length === 0) {
    throw new RangeError('There are no prompts to draw from; pass at least one.');
  }
  if (!Number.isSafeInteger(count) || count < 0) {
    throw new RangeError(`count is ${String(count)}; expected a whole number of at least 0.`);
  }
  const decks = [...groupByFamily(prompts).values()].map((all) => ({
    all,
    left: [] as ShapesPrompt[],
  }));
  const drawn: ShapesPrompt[] = [];
  while (drawn.length < count) {
    for (const deck of shuffle([...decks], draw)) {
      if (drawn.length === count) break;
      if (deck.left.length === 0) deck.left = shuffle([...deck.all], draw);
      drawn.push(deck.left.pop() as ShapesPrompt);
    }
  }
  return drawn;
}

/** Small deterministic generator for the fixed evaluation list; quality is no concern here. */
function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/**
 * The held-out prompts that evaluations use: always the same list for a count, balanced over the
 * five families, and the list for a smaller count is its beginning. Families with fewer prompts than
 * their share repeat them; each position has its own noise.
 */
export function evaluationPrompts(count: number): ShapesPrompt[] {
  return samplePrompts(heldOutPrompts(), count, mulberry32(20_240));
}
