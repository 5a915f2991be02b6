/** The method of a run: one of the package's own, one that code gave, or one from a module. */
import { loadExport } from '@loop-diffusion/rewards';

import { UserError } from '../user-error';
import { methodNamed } from './index';
import type { Method, Objective } from './method';

export interface LoadedMethod {
  readonly name: string;
  readonly objective: Objective;
}

/** The part of a configuration that says which. */
export interface MethodChoice {
  readonly name: string;
  /** Of a method that is not the package's own. */
  readonly settings: Readonly<Record<string, unknown>>;
  readonly k: number;
}

/**
 * @param given the object that stands for the name, where code gave one
 * @throws UserError when there is none, it is no method, does not take the settings, or needs more samples of a prompt
 */
export async function loadMethod(
  choice: MethodChoice,
  given?: Method<unknown, unknown>,
): Promise<LoadedMethod> {
  const { name } = choice;
  const own = given ?? methodNamed(name);
  if (own !== undefined && given === undefined) {
    const section = (choice as unknown as Record<string, unknown>)[name] ?? {};
    return { name, objective: own.objective(own.settings?.parse(section) ?? {}) };
  }
  const method = own ?? (await importMethod(name));
  const objective = checkedObjective(method, readSettings(method, choice.settings));
  const { smallestGroup = 2 } = objective;
  if (choice.k < smallestGroup) {
    throw new UserError(
      `algorithm.k is ${choice.k}, but the method ${method.name} needs at least ${smallestGroup} samples of a prompt`,
    );
  }
  return { name: method.name, objective };
}

async function importMethod(place: string): Promise<Method<unknown, unknown>> {
  let found: unknown;
  try {
    ({ found } = await loadExport(place));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new UserError(`The method '${place}' cannot be loaded: ${why}`, { cause: error });
  }
  return asMethod(found, `The export '${place}'`);
}

/** @throws UserError that says what is missing */
export function asMethod(found: unknown, what: string): Method<unknown, unknown> {
  const method = (typeof found === 'object' && found !== null ? found : {}) as Partial<
    Method<unknown, unknown>
  >;
  if (typeof method.name === 'string' && typeof method.objective === 'function') {
    return method as Method<unknown, unknown>;
  }
  throw new UserError(
    `${what} is no method; expected an object { name, objective: (settings) => ({ learnsFrom, advantages, loss, … }) }, as defineMethod takes it`,
  );
}

function readSettings(
  { name, settings: schema }: Method<unknown, unknown>,
  settings: Readonly<Record<string, unknown>>,
): unknown {
  if (schema === undefined) {
    const [first] = Object.keys(settings);
    if (first === undefined) return {};
    throw new UserError(
      `The method ${name} takes no settings, but algorithm.settings has '${first}'`,
    );
  }
  const parsed = schema.safeParse(settings);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(
    ({ path, message }) => `${['algorithm.settings', ...path.map(String)].join('.')}: ${message}`,
  );
  throw new UserError(`The method ${name} does not take its settings: ${problems.join('; ')}`);
}

const REUSE = ['clipped', 'bounded', 'once'];

/** What TypeScript would have said. */
function checkedObjective(method: Method<unknown, unknown>, settings: unknown): Objective {
  const objective: Partial<Objective> = method.objective(settings);
  const { learnsFrom, reuse, withinPrompts, advantages, loss } = objective;
  const problems = [
    ...(learnsFrom === 'trajectories' || learnsFrom === 'images'
      ? []
      : ["learnsFrom must be 'trajectories' or 'images'"]),
    ...(typeof reuse === 'string' && REUSE.includes(reuse)
      ? []
      : [`reuse must be one of ${REUSE.join(', ')}`]),
    ...(typeof withinPrompts === 'boolean' ? [] : ['withinPrompts must be true or false']),
    ...(typeof advantages === 'function' || typeof advantages?.estimate === 'function'
      ? []
      : ['advantages must be a function ({ prompts, rewards, mask }) => numbers of each image']),
    ...(typeof loss === 'function' ? [] : ['loss must be a function of rows']),
  ];
  if (problems.length === 0) return objective as Objective;
  throw new UserError(`The objective of the method ${method.name}: ${problems.join('; ')}`);
}
