import { COCO_LABELS } from './coco-labels';
import type { ObjectDetector } from './object-detector';

/** Things of T2I-CompBench's prompts that are no classes of COCO. */
const OTHER_OBJECTS = (
  'bag,balloon,bee,boy,bread,butterfly,camel,camera,candle,chicken,computer,deer,desk,drum,duck,' +
  'egg,fish,flag,frog,girl,goldfish,guitar,hamburger,helicopter,helmet,key,lamp,lemon,man,' +
  'microphone,paddle,painting,peach,pear,pen,phone,pig,pillow,plate,printer,rabbit,ship,shrimp,' +
  'sofa,stool,strawberry,swan,table,television,tent,tomato,toy,turtle,wallet,woman'
).split(',');

const IRREGULAR: Readonly<Record<string, string>> = {
  person: 'people',
  man: 'men',
  woman: 'women',
  mouse: 'mice',
  knife: 'knives',
  sheep: 'sheep',
  fish: 'fish',
  goldfish: 'goldfish',
  deer: 'deer',
  shrimp: 'shrimp',
  scissors: 'scissors',
  skis: 'skis',
  broccoli: 'broccoli',
};

function plural(noun: string): string {
  const irregular = IRREGULAR[noun];
  if (irregular !== undefined) return irregular;
  if (/[^aeiou]y$/.test(noun)) return `${noun.slice(0, -1)}ies`;
  return /(?:s|x|ch|sh|tomato)$/.test(noun) ? `${noun}es` : `${noun}s`;
}

/** What a noun says: what thing, and whether one or several. */
export interface ObjectNoun {
  readonly singular: string;
  readonly number: 'one' | 'several' | 'either';
}

/** The nouns that are taken for objects in prompts, with those that the detector can name. */
export function objectNouns({ labels }: ObjectDetector): ReadonlyMap<string, ObjectNoun> {
  const nouns = new Map<string, ObjectNoun>();
  for (const singular of new Set([
    ...COCO_LABELS,
    ...OTHER_OBJECTS,
    ...(labels === 'any' ? [] : labels),
  ])) {
    const several = plural(singular);
    if (several === singular) nouns.set(singular, { singular, number: 'either' });
    else {
      nouns.set(singular, { singular, number: 'one' });
      nouns.set(several, { singular, number: 'several' });
    }
  }
  return nouns;
}

/** What T2I-CompBench's evaluation puts for some nouns, whatever the detector. */
const STAND_INS: Readonly<Record<string, string>> = {
  boy: 'person',
  girl: 'person',
  man: 'person',
  woman: 'person',
  ship: 'boat',
};

/** Other words for one thing, tried where the detector cannot name the first. */
const SYNONYMS: Readonly<Record<string, string>> = {
  goldfish: 'fish',
  painting: 'picture',
  sofa: 'couch',
  couch: 'sofa',
  television: 'tv',
  tv: 'television',
};

const isPartOf = (noun: string, label: string) => label.split(' ').includes(noun);

/** How a detector's labels answer to a noun. */
export interface Naming {
  /** What to ask a detector of an open vocabulary for. */
  readonly label: string;
  /** Whether a detection of this label may be meant. */
  readonly loosely: (label: string) => boolean;
}

/**
 * The label that stands for a noun: T2I-CompBench's stand-in, else the noun or a synonym that the
 * detector can name; where it can name only something longer, such as `dining table` for `table`,
 * that is meant.
 *
 * @returns nothing when the detector can name neither
 */
export function namingOf(noun: string, { labels }: ObjectDetector): Naming | undefined {
  const name = STAND_INS[noun] ?? noun;
  const naming = (label: string): Naming => ({
    label,
    loosely: (other) => other === label || isPartOf(label, other),
  });
  if (labels === 'any' || labels.has(name)) return naming(name);
  const synonym = SYNONYMS[name];
  if (synonym !== undefined && labels.has(synonym)) return naming(synonym);
  return [...labels].some((label) => isPartOf(name, label)) ? naming(name) : undefined;
}
