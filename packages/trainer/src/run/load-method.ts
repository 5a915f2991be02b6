/** The method of a run: one of the package's own, one that code gave, or one from a module. */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

import { loadExport } from '@loop-diffusion/rewards';

import { chosenMethod, type ChosenMethod } from '../configuration/chosen-method';
import { isFromCode } from '../configuration/from-code';
import { methodProblems } from '../configuration/method-problems';
import type { TrainConfig } from '../configuration/schema';
import { asMethod } from '../methods/as-method';
import type { Method, Objective } from '../methods/method';
import { UserError } from '../user-error';

export interface LoadedMethod extends ChosenMethod {
  /** The file of a module that it came from, as it was then; not the modules that this one imports. */
  readonly code?: Uint8Array | undefined;
}

/**
 * @param given the object that stands for the name, where code gave one
 * @throws UserError when there is none, it is no method, or it does not go with the configuration
 */
export async function loadMethod(
  config: Pick<TrainConfig, 'algorithm' | 'batch' | 'sampler' | 'optimizer'>,
  given?: Method<unknown, unknown>,
): Promise<LoadedMethod> {
  const { name, settings: ownSettings } = config.algorithm;
  const chosen = given === undefined ? chosenMethod(config.algorithm) : undefined;
  if (chosen !== undefined) return chosen;
  if (given === undefined && isFromCode(name)) {
    throw new UserError(
      `algorithm.name is ${name}, a method that code gave; only code can go on with it, by train({ …, algorithm: { name: method } })`,
    );
  }
  const loaded = given === undefined ? await importMethod(name) : { method: given };
  const { method } = loaded;
  const settings = readSettings(method, ownSettings);
  const own = { ...loaded, settings, objective: checkedObjective(method, settings) };
  const problems = methodProblems(config, own);
  if (problems.length > 0) throw new UserError(`Configuration: ${problems.join('; ')}`);
  return own;
}

async function importMethod(place: string): Promise<Pick<LoadedMethod, 'method' | 'code'>> {
  let found: unknown;
  let code: Uint8Array | undefined;
  try {
    const loaded = await loadExport(place);
    ({ found } = loaded);
    if (loaded.module.startsWith('file:')) code = await readFile(fileURLToPath(loaded.module));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new UserError(`The method '${place}' cannot be loaded: ${why}`, { cause: error });
  }
  return { method: asMethod(found, `The export '${place}'`), code };
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
  if (!isFunction((schema as Partial<typeof schema>).safeParse)) {
    throw new UserError(
      `The settings of the method ${name} must be a schema of zod, such as z.strictObject({ … })`,
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

/** What TypeScript would have said; `this` is the objective in its functions, however they are called. */
function checkedObjective(method: Method<unknown, unknown>, settings: unknown): Objective {
  const made: unknown = method.objective(settings);
  if (typeof made !== 'object' || made === null || made instanceof Promise) {
    throw new UserError(
      `The method ${method.name} makes no objective of its settings; expected objective to return { learnsFrom, advantages, loss, … } at once`,
    );
  }
  const objective = made as Untyped;
  const {
    learnsFrom,
    reuse,
    withinPrompts,
    smallestGroup = 2,
    average,
    advantages,
    loss,
  } = objective;
  const remembers = typeof advantages === 'object' ? ((advantages ?? {}) as Untyped) : {};
  const problems = [
    ...(['trajectories', 'images'].includes(learnsFrom as string)
      ? []
      : ["learnsFrom must be 'trajectories' or 'images'"]),
    ...(REUSE.includes(reuse as string) ? [] : [`reuse must be one of ${REUSE.join(', ')}`]),
    ...(typeof withinPrompts === 'boolean' ? [] : ['withinPrompts must be true or false']),
    ...(Number.isInteger(smallestGroup) && (smallestGroup as number) >= 1
      ? []
      : ['smallestGroup must be a whole number of at least 1']),
    ...(typeof advantages === 'function' ||
    ['estimate', 'state', 'restore'].every((name) => isFunction(remembers[name]))
      ? []
      : [
          'advantages must be a function ({ prompts, rewards, mask }) => numbers of each image, or have estimate, state and restore',
        ]),
    ...(average === undefined || isFunction((average as Untyped | null)?.['decay'])
      ? []
      : ['average must have decay, a function of the iteration']),
    ...(isFunction(loss) ? [] : ['loss must be a function of rows']),
  ];
  if (problems.length > 0) {
    throw new UserError(`The objective of the method ${method.name}: ${problems.join('; ')}`);
  }
  const named = (where: string, call: unknown, of: unknown): AnyFunction =>
    naming(method.name, where, (call as AnyFunction).bind(of));
  const { estimate, state, restore } = remembers;
  return Object.create(objective, {
    loss: { value: named('loss', loss, objective) },
    advantages: {
      value: isFunction(advantages)
        ? named('advantages', advantages, objective)
        : {
            estimate: named('advantages', estimate, advantages),
            state: named('state', state, advantages),
            restore: named('state', restore, advantages),
          },
    },
  }) as Objective;
}

type AnyFunction = (...given: unknown[]) => unknown;

/** What goes wrong in it is told with its name: an error of JavaScript's own says nothing of where it comes from. */
function naming(method: string, where: string, call: AnyFunction): AnyFunction {
  return (...given) => {
    try {
      return call(...given);
    } catch (error) {
      const why = (error instanceof Error ? error.message : String(error)).replace(/\.$/, '');
      throw new UserError(`The method ${method} failed in its ${where}: ${why}`, { cause: error });
    }
  };
}

/** What a module exported, before it is known to be of a kind. */
type Untyped = Readonly<Record<string, unknown>>;

function isFunction(value: unknown): boolean {
  return typeof value === 'function';
}
