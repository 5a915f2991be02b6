import { type Colour, COLOURS, type Shape, SHAPES, type Texture, TEXTURES } from './palette';

/** The five prompt families, after T2I-CompBench (Huang et al. 2023). */
export const FAMILIES = ['colour', 'shape', 'texture', 'spatial', 'numeracy'] as const;
export type Family = (typeof FAMILIES)[number];

export const RELATIONS = ['left of', 'right of', 'above', 'below'] as const;
/** Where the first object lies as seen from the second. */
export type Relation = (typeof RELATIONS)[number];

/** What a prompt says about one object. */
export interface SceneObject {
  readonly colour: Colour;
  readonly shape: Shape;
  readonly texture: Texture;
}

export interface ShapesPrompt {
  /** The canonical sentence; parsing it gives this prompt back. */
  readonly text: string;
  readonly family: Family;
  /** One entry per object in the picture, so `three green triangles` has three equal entries. */
  readonly objects: readonly SceneObject[];
  /** Only in the spatial family: how `objects[0]` lies to `objects[1]`. */
  readonly relation?: Relation;
}

export const PROMPT_GRAMMAR = `
  prompt   = object
           | object "and" object            two objects that differ
           | object relation object         two objects of different colours
           | number [texture] colour shapes
  object   = ("a" | "an") [texture] colour shape
  relation = "left of" | "right of" | "above" | "below"
  number   = "two" | "three" | "four"
  texture  = "striped" | "dotted" | "checkered"
  colour   = "red" | "green" | "blue" | "yellow" | "purple" | "orange"
  shape    = "circle" | "square" | "triangle"
  shapes   = "circles" | "squares" | "triangles"`;

const NUMBERS = ['two', 'three', 'four'] as const;

/** Thrown by {@link parsePrompt} for a sentence outside the grammar. */
export class PromptSyntaxError extends Error {
  override readonly name = 'PromptSyntaxError';
  constructor(prompt: string, problem: string) {
    super(`Cannot read the prompt "${prompt}": ${problem}. The grammar is:${PROMPT_GRAMMAR}`);
  }
}

function describeKind({ colour, shape, texture }: SceneObject): string {
  return texture === 'solid' ? `${colour} ${shape}` : `${texture} ${colour} ${shape}`;
}

/** The noun phrase of one object, such as "an orange circle" or "a striped red square". */
export function describeObject(object: SceneObject): string {
  const kind = describeKind(object);
  return `${kind.startsWith('orange') ? 'an' : 'a'} ${kind}`;
}

function isSameKind(a: SceneObject, b: SceneObject): boolean {
  return a.colour === b.colour && a.shape === b.shape && a.texture === b.texture;
}

/** A prompt for one object: shape family when it is solid, texture family when it is not. */
export function singlePrompt(object: SceneObject): ShapesPrompt {
  return {
    text: describeObject(object),
    family: object.texture === 'solid' ? 'shape' : 'texture',
    objects: [object],
  };
}

/**
 * A prompt for two objects that differ: texture family when one has a texture, colour family when
 * both colour and possibly shape differ, shape family when only the shape does.
 *
 * @throws when both objects are the same kind (that is what {@link countPrompt} says)
 */
export function pairPrompt(first: SceneObject, second: SceneObject): ShapesPrompt {
  const text = `${describeObject(first)} and ${describeObject(second)}`;
  if (isSameKind(first, second)) {
    throw new PromptSyntaxError(
      text,
      `the two objects are the same, say "two ${describeKind(first)}s"`,
    );
  }
  const textured = first.texture !== 'solid' || second.texture !== 'solid';
  const family = textured ? 'texture' : first.colour === second.colour ? 'shape' : 'colour';
  return { text, family, objects: [first, second] };
}

/**
 * A prompt for two objects and how they lie to each other.
 *
 * @throws when both have the same colour
 */
export function spatialPrompt(
  first: SceneObject,
  relation: Relation,
  second: SceneObject,
): ShapesPrompt {
  const text = `${describeObject(first)} ${relation} ${describeObject(second)}`;
  if (first.colour === second.colour) {
    throw new PromptSyntaxError(text, 'objects in a relation need different colours');
  }
  return { text, family: 'spatial', objects: [first, second], relation };
}

/**
 * A prompt for several objects of the same kind.
 *
 * @param count 2, 3 or 4
 * @throws for any other count
 */
export function countPrompt(count: number, object: SceneObject): ShapesPrompt {
  const number = NUMBERS[count - 2];
  if (number === undefined) {
    throw new RangeError(`A prompt counts 2, 3 or 4 objects, not ${String(count)}.`);
  }
  return {
    text: `${number} ${describeKind(object)}s`,
    family: 'numeracy',
    objects: Array.from({ length: count }, () => object),
  };
}

function find<T extends string>(values: readonly T[], word: string | undefined): T | undefined {
  return values.find((value) => value === word);
}

/** Reads `[texture] colour shape` and says what is wrong with any other words. */
function parseKind(prompt: string, words: readonly string[]): SceneObject {
  const rest = [...words];
  const texture = find(TEXTURES, rest[0]);
  if (texture === 'solid') {
    throw new PromptSyntaxError(prompt, '"solid" is what an object is when no texture is named');
  }
  if (texture !== undefined) rest.shift();
  const phrase = words.join(' ');
  if (rest.length !== 2) {
    throw new PromptSyntaxError(prompt, `"${phrase}" is not [texture] colour shape`);
  }
  const colour = find(COLOURS, rest[0]);
  if (colour === undefined) {
    throw new PromptSyntaxError(prompt, `"${String(rest[0])}" is not a known colour`);
  }
  const shape = find(SHAPES, rest[1]);
  if (shape === undefined) {
    throw new PromptSyntaxError(prompt, `"${String(rest[1])}" is not a known shape`);
  }
  return { colour, shape, texture: texture ?? 'solid' };
}

function parseObject(prompt: string, phrase: string): SceneObject {
  const [article, ...words] = phrase.split(' ');
  if (article !== 'a' && article !== 'an') {
    throw new PromptSyntaxError(prompt, `"${phrase}" does not begin with "a" or "an"`);
  }
  return parseKind(prompt, words);
}

/**
 * Reads a sentence of the grammar. Case and extra spaces do not matter, nor does "a" for "an"; the
 * result's `text` is the canonical sentence.
 *
 * @throws {PromptSyntaxError} with the offending words and the grammar
 */
export function parsePrompt(text: string): ShapesPrompt {
  const sentence = text.trim().toLowerCase().split(/\s+/u).join(' ');
  if (sentence === '') throw new PromptSyntaxError(text, 'it is empty');

  for (const connective of ['and', ...RELATIONS] as const) {
    const parts = sentence.split(` ${connective} `);
    if (parts.length === 1) continue;
    const [first, second] = parts;
    if (first === undefined || second === undefined || parts.length > 2) {
      throw new PromptSyntaxError(text, `"${connective}" joins exactly two objects`);
    }
    const a = parseObject(text, first);
    const b = parseObject(text, second);
    return connective === 'and' ? pairPrompt(a, b) : spatialPrompt(a, connective, b);
  }

  const words = sentence.split(' ');
  const number = find(NUMBERS, words[0]);
  if (number === undefined) return singlePrompt(parseObject(text, sentence));
  const plural = words[words.length - 1] ?? '';
  if (!plural.endsWith('s')) {
    throw new PromptSyntaxError(text, `after "${number}" the shape is a plural`);
  }
  const kind = parseKind(text, [...words.slice(1, -1), plural.slice(0, -1)]);
  return countPrompt(NUMBERS.indexOf(number) + 2, kind);
}
