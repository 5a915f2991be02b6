/** A file and its overrides become one validated configuration, or one sentence that says what is wrong. */
import { basename } from 'node:path';

import type { z } from 'zod';

import { METHOD_NAMES } from '../methods';
import { UserError } from '../user-error';
import { chosenMethod, nameOfMethod, type ChosenMethod } from './chosen-method';
import { federatedProblems } from './federated-problems';
import { methodProblems } from './method-problems';
import { configKeys, defaultListAt, fieldMetaAt, namesAt } from './key-reference';
import { nearestName } from './nearest-name';
import { applyOverrides, define, type PlainObject } from './overrides';
import { withHomePaths } from './paths';
import { configSchema, type ParsedConfig, type TrainConfig, type TrainSettings } from './schema';
import { LEARNING_RATE_OF_ALL_WEIGHTS } from './sections/weights';

/**
 * @param file the parsed configuration file, or undefined for the defaults
 * @param overrides `key.path=value` each, laid over the file in order
 * @param defaults of keys that neither has, before those of the schema: a model's own
 * @throws UserError naming every key that is unknown or out of its range
 * @throws UsageError when an override is not of the form `key.path=value`
 */
export function resolveConfig(
  file: unknown,
  overrides: readonly string[] = [],
  defaults: TrainSettings = {},
): TrainConfig {
  const input = applyOverrides(asObject(file), overrides, { defaultList: defaultListAt });
  const parsed = configSchema.safeParse(laidOver(defaults, input));
  if (!parsed.success) {
    const problems = parsed.error.issues.flatMap((issue) => describeIssue(issue, input));
    throw new UserError(`Configuration: ${problems.join('; ')}`);
  }
  const config = withHomePaths(withDependentDefaults(parsed.data, input));
  checkCombinations(config);
  return config;
}

/** Sections are merged; everything else that is given stands for itself. */
function laidOver(base: PlainObject, given: PlainObject): PlainObject {
  const merged: PlainObject = { ...base };
  for (const [key, value] of Object.entries(given)) {
    const below = Object.hasOwn(base, key) ? base[key] : undefined;
    if (value === undefined && below !== undefined) continue;
    define(merged, key, isSection(below) && isSection(value) ? laidOver(below, value) : value);
  }
  return merged;
}

function isSection(value: unknown): value is PlainObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function asObject(file: unknown): PlainObject {
  if (file === undefined || file === null) return {};
  if (typeof file !== 'object' || Array.isArray(file)) {
    throw new UserError(
      'The configuration must be a list of keys with values, such as "iterations: 100"',
    );
  }
  return file as PlainObject;
}

function withDependentDefaults(parsed: ParsedConfig, input: PlainObject): TrainConfig {
  const { steps } = parsed.sampler;
  const { from, to, count } = parsed.algorithm.timesteps;
  // By default the last two steps are left out: the step before last moves the mean about eight times as many standard
  // deviations per unit of model output as the others, and alone would decide the gradient. A plan of one or two steps has no choice.
  const toWasGiven = Object.hasOwn(section(section(input, 'algorithm'), 'timesteps'), 'to');
  const end = to < 0 ? (toWasGiven ? steps + to : Math.max(1, steps + to)) : to;
  const { learningRate } = parsed.optimizer;
  const rateWasGiven = Object.hasOwn(section(input, 'optimizer'), 'learningRate');
  const chosen = chosenMethod(parsed.algorithm);
  return {
    ...parsed,
    output:
      parsed.output ?? `runs/${basename(parsed.model)}-${nameOfMethod(parsed.algorithm.name)}`,
    algorithm: {
      ...parsed.algorithm,
      ...(chosen?.method.settings && { [chosen.method.name]: chosen.settings }),
      innerUpdates: parsed.algorithm.innerUpdates ?? defaultInnerUpdates(parsed.algorithm, chosen),
      timesteps: { from, to: end, count },
    },
    optimizer: {
      ...parsed.optimizer,
      learningRate:
        rateWasGiven || parsed.lora !== null ? learningRate : LEARNING_RATE_OF_ALL_WEIGHTS,
    },
    evaluate: {
      ...parsed.evaluate,
      prompts: parsed.evaluate.prompts ?? parsed.prompts,
    },
  };
}

function defaultInnerUpdates(
  { innerEpochs }: ParsedConfig['algorithm'],
  chosen: ChosenMethod | undefined,
): number {
  const reuse = chosen?.objective.reuse ?? 'once';
  return (reuse === 'once' ? 1 : 2) * innerEpochs;
}

function section(parent: PlainObject, name: string): PlainObject {
  const value = parent[name];
  return typeof value === 'object' && value !== null ? (value as PlainObject) : {};
}

/** More trajectories than any memory holds. */
const MOST_IMAGES = 1e6;

function checkCombinations(config: TrainConfig): void {
  const { algorithm, sampler, rewards, lora, memory } = config;
  const chosen = chosenMethod(algorithm);
  const problems = chosen === undefined ? [] : methodProblems(config, chosen);
  if (chosen !== undefined && Object.keys(algorithm.settings).length > 0) {
    const { name, settings } = chosen.method;
    problems.push(
      `algorithm.settings is for methods of one's own; those of ${name} are ${settings === undefined ? 'none' : `in algorithm.${name}`}`,
    );
  }
  if (algorithm.klTarget !== null && algorithm.klWeight === 0) {
    problems.push(
      'algorithm.klTarget adapts algorithm.klWeight, which is 0 and stays so; give it a value to begin with, such as 0.01',
    );
  }
  if (algorithm.sftWeight > 0 && algorithm.k < 2) {
    problems.push(
      'algorithm.sftWeight imitates the best of the samples of a prompt, but algorithm.k is 1; it needs at least 2',
    );
  }
  if (sampler.sharedNoise && sampler.eta === 0 && algorithm.k > 1) {
    problems.push(
      'sampler.sharedNoise with sampler.eta at 0 draws the same image for all samples of a prompt, which leaves nothing to compare; set one of them otherwise',
    );
  }
  if (lora === null && memory.frozenWeights !== 'float32') {
    problems.push(
      `memory.frozenWeights is ${memory.frozenWeights}, but with lora: null no weight of the UNet is frozen, and what is trained must be float32`,
    );
  }
  const images = config.batch.prompts * algorithm.k;
  if (images > MOST_IMAGES) {
    problems.push(
      `batch.prompts times algorithm.k is ${String(images)} images an iteration, but must be at most ${String(MOST_IMAGES)}`,
    );
  }
  if (algorithm.innerUpdates / algorithm.innerEpochs > images) {
    problems.push(
      `algorithm.innerUpdates cuts the ${String(images)} images of an iteration into ${String(algorithm.innerUpdates / algorithm.innerEpochs)} minibatches, of which some would be empty; it may be at most ${String(images * algorithm.innerEpochs)}`,
    );
  }
  if (algorithm.innerUpdates % algorithm.innerEpochs !== 0) {
    problems.push(
      `algorithm.innerUpdates is ${String(algorithm.innerUpdates)}, which is not a multiple of algorithm.innerEpochs (${String(algorithm.innerEpochs)})`,
    );
  }
  const { from, to } = algorithm.timesteps;
  if (to > sampler.steps || to < 1) {
    problems.push(
      `algorithm.timesteps.to ends the trained steps at ${String(to)}, but a rollout has the denoise steps 0 to ${String(sampler.steps - 1)} (sampler.steps is ${String(sampler.steps)}); it may be 1 to ${String(sampler.steps)}`,
    );
  } else if (from >= to) {
    problems.push(
      `algorithm.timesteps trains no denoise step: from ${String(from)} up to, and without, ${String(to)} of ${String(sampler.steps)}`,
    );
  }
  problems.push(
    ...repeated(rewards.map(({ name, label = name }) => label)).map(
      (name) => `rewards names '${name}' twice; give one of them another label`,
    ),
    ...repeated(lora?.targets ?? []).map((target) => `lora.targets names '${target}' twice`),
  );
  if (rewards.every((reward) => reward.weight === 0)) {
    problems.push('rewards have only weights of 0, which leaves nothing to learn');
  }
  problems.push(
    ...federatedProblems(config, chosen?.objective),
    // Some disks do not tell upper from lower case.
    ...repeated(config.federated?.clients.map(({ name }) => name.toLowerCase()) ?? []).map(
      (name) => `federated.clients names '${name}' twice; give one of them another name`,
    ),
  );
  if (problems.length > 0) {
    throw new UserError(`Configuration: ${problems.join('; ')}`);
  }
}

function repeated(names: readonly string[]): string[] {
  return [...new Set(names.filter((name, index) => names.indexOf(name) !== index))];
}

function describeIssue(issue: z.core.$ZodIssue, input: PlainObject): string[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => describeUnknownKey([...issue.path, key]));
  }
  const path = dotted(issue.path);
  const value = valueAt(input, issue.path);
  const meta = fieldMetaAt(issue.path);
  if (meta === undefined) {
    const names = namesAt(issue.path);
    const expected = names.length > 0 ? `hold the keys ${names.join(', ')}` : 'have another form';
    return [`${path} is ${inWords(value)}, but must ${expected}`];
  }
  if (value === undefined) {
    return [`${path} is missing; it must be ${meta.expected} (${meta.description})`];
  }
  return [`${path} is ${inWords(value)}, but must be ${meta.expected} (${meta.description})`];
}

function describeUnknownKey(path: readonly PropertyKey[]): string {
  const parent = path.slice(0, -1);
  const name = String(path.at(-1));
  const besides = namesAt(parent);
  if (/^[\w.]+:\S/.test(name)) {
    return `unknown key '${dotted(path)}' (a colon that ends a key has a space after it: '${name.replace(':', ': ')}')`;
  }
  const sibling = nearestName(name, besides);
  // The right name in the wrong place is as common a slip as a typing error; what other methods call so is not meant.
  const elsewhere = configKeys()
    .map((key) => key.path)
    .find((key) => key.split('.').at(-1) === name && !isOfMethod(key));
  const meant =
    sibling !== undefined && elsewhere === undefined ? dotted([...parent, sibling]) : elsewhere;
  const hint =
    meant === undefined ? `the keys there are ${besides.join(', ')}` : `did you mean '${meant}'?`;
  return `unknown key '${dotted(path)}' (${hint})`;
}

/** Whether it is in the section of a method. */
function isOfMethod(key: string): boolean {
  const [first, section] = key.split('.');
  return first === 'algorithm' && METHOD_NAMES.some((name) => name === section);
}

function dotted(path: readonly PropertyKey[]): string {
  return path.map(String).join('.');
}

function valueAt(input: unknown, path: readonly PropertyKey[]): unknown {
  let value = input;
  for (const segment of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, segment)) {
      return undefined;
    }
    value = (value as Record<PropertyKey, unknown>)[segment];
  }
  return value;
}

function inWords(value: unknown): string {
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (typeof value === 'string') return value === '' ? 'empty' : `'${shortened(value)}'`;
  if (value === null) return 'null';
  if (Array.isArray(value))
    return value.length === 0 ? 'an empty list' : shortened(JSON.stringify(value));
  return value === undefined ? 'missing' : shortened(JSON.stringify(value));
}

function shortened(text: string): string {
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
}
