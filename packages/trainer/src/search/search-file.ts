/** `SEARCH.yaml`: which settings are searched, and in how many runs. */
import { z } from 'zod';

import { text, wholeNumber } from '../fields';
import { readKeyedFile } from '../study/keyed-file';
import { budget, keys, named } from '../study/study-file';

const range = z.strictObject({
  scale: z.enum(['linear', 'log', 'integer', 'power-of-two']),
  min: z.number(),
  max: z.number(),
});
const values = z.array(z.union([z.number(), z.string(), z.boolean()])).min(2);
const levels = z.strictObject({
  levels: z.record(named, keys),
  ordered: z.boolean().default(false),
});

/** The runs of a search have the seeds that follow. */
const LARGEST_SEED = 4e9;

/** A range, values without an order, or named levels that set several keys. */
const setting = z.union([range, values, levels]);
export type SearchedSetting = z.output<typeof setting>;

const searchSchema = z
  .strictObject({
    base: z.union([keys, text('a configuration file')]).default({}),
    settings: z.record(z.string().min(1), setting).refine((all) => Object.keys(all).length > 0),
    runs: wholeNumber(2, 10_000, 'runs of the search'),
    start: wholeNumber(1, 10_000, 'runs that begin it, spread over the settings').optional(),
    acquisition: z.enum(['interleaved', 'improve', 'explain']).default('interleaved'),
    explain: z.array(z.string()).min(1).optional(),
    about: z.enum(['path', 'curves']).default('path'),
    seed: wholeNumber(0, LARGEST_SEED, 'of the search and of its first run').default(0),
    confirm: wholeNumber(0, 100, 'seeds on which the best setting is run anew').default(3),
    budget: budget.optional(),
    evaluation: keys.default({}),
  })
  .readonly();

export type SearchSettings = z.output<typeof searchSchema>;

const SHAPES: Readonly<Record<keyof SearchSettings, string>> = {
  base: "keys of a run's configuration, or the name of a configuration file",
  settings:
    'for each key {scale: linear, log, integer or power-of-two, min, max} or a list of values, or for each name {levels, ordered}, where levels have names that are not numbers',
  runs: 'a whole number of at least 2',
  start: 'a whole number of at least 1',
  acquisition: 'interleaved, improve or explain',
  explain: 'a list of settings',
  about: 'path or curves',
  seed: `a whole number from 0 to ${String(LARGEST_SEED)}`,
  confirm: 'a whole number from 0 to 100',
  budget: 'either {images: a whole number from 1} or {seconds: a number above 0}',
  evaluation: "keys of the section evaluate of a run's configuration",
};

/** @throws UserError that says what is wrong with the file */
export function readSearchFile(path: string): Promise<SearchSettings> {
  return readKeyedFile(path, { what: 'search', schema: searchSchema, shapes: SHAPES });
}
