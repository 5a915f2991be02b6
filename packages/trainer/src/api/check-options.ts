/** Options from code, which no compiler may have looked at: one sentence that names what is wrong, before any work begins. */
import { z } from 'zod';

import { nearestName } from '../configuration/nearest-name';
import { BACKEND_NAMES } from '../configuration/schema';
import { LARGEST_IMAGE_SIDE } from '../configuration/sections/sampling';
import type { RunSink } from '../tracking/sink';
import { UserError } from '../user-error';
import { SCHEDULER_NAMES } from './drawing-options';

/** @param expected continues "… must be" */
const must = (is: (value: unknown) => boolean, expected: string) => z.custom(is, expected);
const optional = (is: (value: unknown) => boolean, expected: string) =>
  must((value) => value === undefined || is(value), expected).optional();

const isText = (value: unknown): value is string =>
  typeof value === 'string' && value.trim() !== '';
const isFunction = (value: unknown): boolean => typeof value === 'function';
const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;
const isFlag = (value: unknown): boolean => typeof value === 'boolean';
const isWhole = (least: number, most: number) => (value: unknown) =>
  Number.isInteger(value) && (value as number) >= least && (value as number) <= most;
const isNumber = (least: number, most: number) => (value: unknown) =>
  typeof value === 'number' && value >= least && value <= most && Number.isFinite(value);
const isList = (is: (value: unknown) => boolean) => (value: unknown) =>
  Array.isArray(value) && value.length > 0 && value.every(is);
const isTensor = (value: unknown): boolean => {
  const { shape, values } = (value ?? {}) as Partial<Record<string, unknown>>;
  return Array.isArray(shape) && values instanceof Float32Array;
};
const isPrompt = (value: unknown): boolean => {
  const { text, family } = (value ?? {}) as Partial<Record<string, unknown>>;
  return isText(value) || (isText(text) && (family === undefined || isText(family)));
};
const isCluster = (value: unknown): boolean =>
  isObject(value) && 'workers' in value && 'index' in value;
const together = {
  cluster: optional(isCluster, 'an object {workers, index}, such as clusterFromTfConfig() gives'),
  workerPatience: optional(isWhole(1, 86_400), 'a whole number of seconds from 1 to 86400'),
};
const isPrompts = (value: unknown): boolean => isText(value) || isList(isPrompt)(value);
const scores = (value: unknown): boolean =>
  isFunction(value) || (isObject(value) && 'score' in value);
const isReward = (value: unknown): boolean =>
  isText(value) ||
  scores(value) ||
  (isObject(value) && ('reward' in value ? scores(value.reward) : 'name' in value));
const isSignal = (value: unknown): boolean =>
  isObject(value) && 'aborted' in value && 'addEventListener' in value;

const SINK_METHODS = [
  ...['iteration', 'evaluation', 'sampleGrid', 'promptsCutOff', 'phase', 'finish', 'close'],
] as readonly (keyof RunSink)[];
const isSink = (value: unknown): boolean => {
  if (!isObject(value)) return false;
  const given = value as Readonly<Record<string, unknown>>;
  const methods = SINK_METHODS.map((name) => given[name]).filter(Boolean);
  return methods.length > 0 && methods.every(isFunction);
};

const PROMPT_LIST = 'a list of at least one prompt, none of them empty';
const PROMPTS = `shapes, a text file, or ${PROMPT_LIST}`;
const REWARD = 'a function, a reward, the name of one, {reward, weight, label} or {name, settings}';
const SIDE = `a whole number of pixels up to ${LARGEST_IMAGE_SIDE}`;
const isSide = isWhole(1, LARGEST_IMAGE_SIDE);

const drawing = {
  model: must(isText, 'a diffusers folder, hf:owner/name, or shapes'),
  unet: optional(isText, 'a folder'),
  lora: optional(
    (value) => isText(value) || value instanceof Uint8Array || isList(isText)(value),
    "a file, a run's folder, a list of such paths, or the bytes that train returned",
  ),
  unetOnly: optional(isFlag, 'true or false'),
  seed: optional(isWhole(0, 0xffffffff), 'a whole number from 0 to 4294967295'),
  steps: optional(isWhole(1, 1000), 'a whole number from 1 to 1000'),
  eta: optional(isNumber(0, 1), 'a number from 0 to 1'),
  guidance: optional(isNumber(0, 1000), 'a number of at least 0'),
  height: optional(isSide, SIDE),
  width: optional(isSide, SIDE),
  vaeTiles: optional(isFlag, 'true or false'),
  safety: optional((value) => value === null || isNumber(0, 1)(value), 'a number from 0 to 1'),
  backend: optional(
    (value) => ['auto', ...BACKEND_NAMES].includes(value as 'auto'),
    `one of auto, ${BACKEND_NAMES.join(', ')}`,
  ),
  ...together,
  onProgress: optional(isFunction, 'a function'),
  signal: optional(isSignal, 'an AbortSignal'),
};

export const drawSchema = z.strictObject({
  ...drawing,
  prompts: must(isList(isText), PROMPT_LIST),
  count: optional(isWhole(1, 100_000), 'a whole number from 1 to 100000'),
  scheduler: optional(
    (value) => SCHEDULER_NAMES.includes(value as 'ddim'),
    `one of ${SCHEDULER_NAMES.join(', ')}`,
  ),
  latents: optional(isTensor, '{shape, values} with a list and a Float32Array'),
  noise: optional(isTensor, '{shape, values} with a list and a Float32Array'),
  trace: optional(isFlag, 'true or false'),
});

export const evaluateSchema = z.strictObject({
  ...drawing,
  prompts: must(isPrompts, PROMPTS),
  reward: must(isReward, 'a function, a reward, the name of one or {name, settings}'),
  images: optional(isWhole(1, Number.MAX_SAFE_INTEGER), 'a whole number of at least 1'),
});

export const gradientVarianceSchema = z.strictObject({
  run: must(isText, "a run's folder"),
  checkpoint: optional(isWhole(0, Number.MAX_SAFE_INTEGER), 'a whole number of at least 0'),
  base: optional(isFlag, 'true or false'),
  prompts: optional(isWhole(2, 2000), 'a whole number from 2 to 2000'),
  images: optional(isWhole(4, 1000), 'a whole number from 4 to 1000'),
  k: optional(isList(isWhole(2, 500)), 'a list of whole numbers from 2 to 500'),
  seed: optional(isWhole(0, 0xffffffff), 'a whole number from 0 to 4294967295'),
  onProgress: optional(isFunction, 'a function'),
  onDifference: optional(isFunction, 'a function'),
  signal: optional(isSignal, 'an AbortSignal'),
});

/** The objects of training; a configuration's keys are looked at where it is made. */
export const trainSchema = z.looseObject({
  prompts: optional(isPrompts, PROMPTS),
  rewards: optional(isList(isReward), `a list with at least one of: ${REWARD}`),
  algorithm: optional(
    (value) => isObject(value) && !Array.isArray(value) && !('objective' in value),
    'an object such as {name, k}; a method of your own is its name',
  ),
  evaluate: z
    .looseObject({
      prompts: optional(isPrompts, PROMPTS),
    })
    .optional(),
  output: optional(isText, 'a folder'),
  resume: optional(isFlag, 'true or false'),
  signal: optional(isSignal, 'an AbortSignal'),
  ...together,
  onIteration: optional(isFunction, 'a function'),
  onEvaluation: optional(isFunction, 'a function'),
  sinks: optional(
    (value) => Array.isArray(value) && value.every(isSink),
    `a list of objects with some of the methods ${SINK_METHODS.join(', ')}`,
  ),
});

/** @throws UserError that names every option that is unknown or not as described */
export function checkOptions(what: string, schema: z.ZodObject, options: unknown): void {
  const parsed = schema.safeParse(options);
  if (parsed.success) return;
  const names = Object.keys(schema.shape);
  const problems = parsed.error.issues.flatMap((issue) => {
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) => {
        const near = nearestName(key, names);
        const hint = near === undefined ? `it takes ${names.join(', ')}` : `did you mean ${near}?`;
        return `it takes no option '${key}' (${hint})`;
      });
    }
    if (issue.path.length === 0) return ['it takes an object of options'];
    const expected = issue.code === 'custom' ? issue.message : 'an object';
    return [`${issue.path.join('.')} must be ${expected}`];
  });
  throw new UserError(`${what}: ${problems.join('; ')}`);
}
