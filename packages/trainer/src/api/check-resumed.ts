/** A run that goes on is the run that it was: options that say otherwise are no wish that could be met. */
import { nameOfMethod } from '../configuration/chosen-method';
import { isFromCode } from '../configuration/from-code';
import type { TrainConfig } from '../configuration/schema';
import type { GivenObjects } from '../run/given';
import { UserError } from '../user-error';

/** What may differ: how far to go, and where the run lies now. */
const FREE = new Set(['iterations', 'output', 'backend']);

/**
 * @param stored the configuration of the run
 * @param asked the options that were given
 * @param now the configuration that they mean by themselves, and the objects that they name
 * @throws UserError that names an option with another value than the run has, or an object that it lacks
 */
export function checkResumed(
  stored: TrainConfig,
  asked: object,
  now: { readonly config: TrainConfig; readonly given: GivenObjects },
): void {
  const { rewards = new Map(), prompts, heldOut, method } = now.given;
  const missing = stored.rewards.find(({ name }) => isFromCode(name) && !rewards.has(name));
  const lacks = (name: string, list: unknown): boolean => isFromCode(name) && list === undefined;
  if (missing !== undefined) {
    throw new UserError(
      `resume: the run was trained on '${missing.label ?? missing.name}', which was given from code; pass it in rewards, under the same name`,
    );
  }
  if (lacks(stored.prompts, prompts) || lacks(stored.evaluate.prompts, heldOut ?? prompts)) {
    throw new UserError('resume: the run was begun with prompts from code; pass the same ones');
  }
  const { name } = stored.algorithm;
  if (isFromCode(name) && method === undefined) {
    throw new UserError(
      `resume: the run was trained by the method '${nameOfMethod(name)}', which was given from code; pass it as algorithm.name`,
    );
  }
  for (const path of leavesOf(asked)) {
    const [before, wanted] = [valueAt(stored, path), valueAt(now.config, path)];
    if (JSON.stringify(before) === JSON.stringify(wanted)) continue;
    throw new UserError(
      `resume: ${path.join('.')} is ${JSON.stringify(wanted)}, but the run has ${JSON.stringify(before)}; leave it out to go on, or begin a new run`,
    );
  }
}

/** Paths of what was given, lists as a whole. */
function leavesOf(given: object, path: readonly string[] = []): string[][] {
  return Object.entries(given).flatMap(([key, value]: [string, unknown]) => {
    if (value === undefined || (path.length === 0 && FREE.has(key))) return [];
    const here = [...path, key];
    // A method is given as an object, which the configuration has by its name.
    const isMethod = here.join('.') === 'algorithm.name';
    const isSection =
      typeof value === 'object' && value !== null && !Array.isArray(value) && !isMethod;
    return isSection ? leavesOf(value, here) : [here];
  });
}

function valueAt(config: object, path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (value, key) => (value as Partial<Record<string, unknown>> | null | undefined)?.[key],
    config,
  );
}
