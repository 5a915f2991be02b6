/** Rewards as they are named on a command line. */
import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { cwd } from 'node:process';
import { pathToFileURL } from 'node:url';

import { createReward, rewardNames } from '../create-reward';
import type { Reward } from '../reward';

/** Names of rewards in other packages, which need not be installed. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  shapes: '@loop-diffusion/shapes-benchmark#shapesReward',
};

/**
 * A reward by a name that {@link createReward} knows, `shapes`, or the place of its code: `PACKAGE#export`,
 * `./file.mjs#export` from the folder where the command runs, or without `#export` the default export. The export is a
 * {@link Reward}, or a function of the settings that returns one or a promise of one.
 *
 * @throws {Error} when there is none, or what is there is none
 */
export async function loadReward(
  name: string,
  settings: Readonly<Record<string, unknown>>,
  folder = cwd(),
): Promise<Reward> {
  if ((await rewardNames()).includes(name)) return createReward(name, settings);
  const place = Object.hasOwn(ELSEWHERE, name) ? ELSEWHERE[name]! : name;
  // A bare word is a misspelt name rather than a package.
  if (!/[#/.@\\]/.test(place)) return createReward(name, settings, Object.keys(ELSEWHERE));
  const [specifier = '', exported = 'default'] = place.split(/#(?=[^#]*$)/);
  const found = exportOf(await importFrom(specifier, folder, name), exported);
  if (found === undefined) {
    throw new Error(
      `Reward "${name}" cannot be loaded: "${specifier}" has no export "${exported}".`,
    );
  }
  const made: unknown =
    typeof found === 'function' ? await (found as (given: object) => unknown)(settings) : found;
  if (!isReward(made)) {
    throw new Error(
      `Reward "${name}" cannot be loaded: "${exported}" of "${specifier}" is, or returns, no reward; ` +
        'expected name, version, range, batchSize and score.',
    );
  }
  if (made === found && Object.keys(settings).length > 0) {
    throw new Error(`Reward "${name}" takes no settings: its export is no function.`);
  }
  return made;
}

async function importFrom(specifier: string, folder: string, name: string): Promise<unknown> {
  const isPath = /^(\.{0,2}[\\/]|[a-z]:[\\/])/i.test(specifier);
  try {
    const target = isPath
      ? pathToFileURL(resolve(folder, specifier)).href
      : resolvePackage(specifier, folder);
    return await importModule(target);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Error(`Reward "${name}" cannot be loaded: ${why}`, { cause: error });
  }
}

/** From where the command runs, as the user's own packages are; what cannot be found there, as this package's are. */
function resolvePackage(specifier: string, folder: string): string {
  try {
    const path = createRequire(resolve(folder, 'package.json')).resolve(specifier);
    return pathToFileURL(path).href;
  } catch {
    return specifier;
  }
}

async function importModule(target: string): Promise<unknown> {
  return import(target);
}

function exportOf(module: unknown, name: string): unknown {
  if (!isObject(module)) return undefined;
  const { default: main } = module;
  // In a module of the old kind, what is exported lies below its default.
  return module[name] ?? (isObject(main) ? main[name] : undefined);
}

function isReward(value: unknown): value is Reward {
  return (
    isObject(value) &&
    typeof value['name'] === 'string' &&
    typeof value['version'] === 'string' &&
    Array.isArray(value['range']) &&
    typeof value['batchSize'] === 'number' &&
    typeof value['score'] === 'function'
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
