/** `STUDY.yaml`: what is compared, how often, and by how much. */
import { z } from 'zod';

import { numberAbove, text, wholeNumber, MANY } from '../fields';
import { readKeyedFile } from './keyed-file';

/** Keys of a run's configuration, dotted or nested. */
export type Keys = Readonly<Record<string, unknown>>;

/** A section without a word in it sets nothing. */
export const keys = z.preprocess((given) => given ?? {}, z.record(z.string(), z.unknown()));
/** Names that are numbers alone would come first, whatever their order in the file. */
export const named = z.string().regex(/\D/);

export const budget = z.union([
  z.strictObject({ images: wholeNumber(1, MANY, 'images that are scored in training') }),
  z.strictObject({ seconds: numberAbove(0, 1e9, 'seconds of training') }),
]);

/** What each run may spend on training. */
export type Budget = z.output<typeof budget>;

const studySchema = z
  .strictObject({
    base: z.union([keys, text('a configuration file')]).default({}),
    factors: z
      .record(z.string().min(1), z.union([z.array(z.unknown()).min(1), z.record(named, keys)]))
      .default({}),
    variants: z.record(named, keys).default({}),
    seeds: z
      .array(wholeNumber(0, 0xffffffff, 'seed of a run'))
      .min(1)
      .default([0, 1, 2]),
    budget: budget.optional(),
    evaluation: keys.default({}),
    reference: text('the variant that others are compared with; left out: the first').optional(),
    reach: z.array(z.number()).default([]),
  })
  .readonly();

/** A study as it is asked for. */
export type StudySettings = z.output<typeof studySchema>;

const SHAPES: Readonly<Record<keyof StudySettings, string>> = {
  base: "keys of a run's configuration, or the name of a configuration file",
  factors:
    'for each key a list of its values, or for each factor a name (not a number) for each of its levels with the keys that it sets',
  variants: 'for each variant, whose name is not a number, the keys that it sets',
  seeds: 'a list of whole numbers from 0 to 4294967295',
  budget: 'either {images: a whole number from 1} or {seconds: a number above 0}',
  evaluation: "keys of the section evaluate of a run's configuration",
  reference: 'the name of a variant',
  reach: 'a list of rewards',
};

/** @throws UserError that says what is wrong with the file */
export function readStudyFile(path: string): Promise<StudySettings> {
  return readKeyedFile(path, { what: 'study', schema: studySchema, shapes: SHAPES });
}
