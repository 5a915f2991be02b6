/** What a user's module exports, by its place: `./file.mjs#export`, `PACKAGE#export`, or without `#export` the default export. */
import { basename } from 'node:path';
import { cwd } from 'node:process';

import { PackageNotFound, resolveModule } from './resolve-module';

export interface LoadedExport {
  readonly found: unknown;
  /** That of the export, or of its file for a default export. */
  readonly ownName: string;
  /** The URL of the module, or its name where it lies beside this package. */
  readonly module: string;
}

/**
 * @param folder where paths begin and packages are looked for
 * @throws {Error} that says so when there is no such file, package or export, and what a module throws when it is loaded
 */
export async function loadExport(place: string, folder: string = cwd()): Promise<LoadedExport> {
  const [specifier = '', exported = 'default'] = place.split(/#(?=[^#]*$)/);
  const { module, exports } = await importModule(specifier, folder);
  const found = exportOf(exports, exported);
  if (found === undefined) throw new Error(`"${specifier}" has no export "${exported}"`);
  const ownName = exported === 'default' ? basename(specifier).replace(/\.[^.]*$/, '') : exported;
  return { found, ownName, module };
}

/** What the folder does not have may lie beside this package, as in a global install. */
async function importModule(
  specifier: string,
  folder: string,
): Promise<{ module: string; exports: unknown }> {
  try {
    const module = await resolveModule(specifier, folder);
    return { module, exports: await importUrl(module) };
  } catch (error) {
    if (!(error instanceof PackageNotFound)) throw error;
    const elsewhere = await importUrl(specifier).catch(() => undefined);
    if (elsewhere === undefined) throw error;
    return { module: specifier, exports: elsewhere };
  }
}

async function importUrl(target: string): Promise<unknown> {
  return import(target);
}

function exportOf(module: unknown, name: string): unknown {
  if (!isObject(module)) return undefined;
  const { default: main } = module;
  // In a module of the old kind, what is exported lies below its default.
  return module[name] ?? (isObject(main) ? main[name] : undefined);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
