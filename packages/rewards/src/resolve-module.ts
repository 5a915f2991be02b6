/** Modules of users, found as their own files would find them. */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { execArgv } from 'node:process';
import { pathToFileURL } from 'node:url';

/** `./a.mjs`, `/a.mjs`, `C:\a.mjs`. */
const PATH = /^(\.{0,2}[\\/]|[a-z]:[\\/])/i;

/**
 * Where `import` in a file of the folder would find a module: with the conditions `node` and `import`, so that packages
 * for ES modules alone are found, and the ES module of a package that has both.
 *
 * @param specifier the path of a file, from the folder, or the name of a package
 * @returns a URL
 * @throws {Error} when there is no such file or package, or it does not export what is named
 */
export async function resolveModule(specifier: string, folder: string): Promise<string> {
  if (PATH.test(specifier)) {
    const path = resolve(folder, specifier);
    if (!existsSync(path)) throw new Error(`there is no file ${path}`);
    return pathToFileURL(path).href;
  }
  const { moduleResolve } = await import('import-meta-resolve');
  const parent = pathToFileURL(join(resolve(folder), 'any.mjs'));
  try {
    return moduleResolve(specifier, parent, new Set(['node', 'import', ...ownConditions()])).href;
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'ERR_MODULE_NOT_FOUND') throw error;
    throw new PackageNotFound(
      `there is no package that gives "${specifier}" in the node_modules of ${resolve(folder)} or a folder above it`,
      { cause: error },
    );
  }
}

/** There is none where it was looked for; it may be elsewhere. */
export class PackageNotFound extends Error {}

/** What Node was started with: `-C name`, `--conditions=name`. */
function ownConditions(): string[] {
  const flags = [...execArgv, ...(process.env['NODE_OPTIONS'] ?? '').split(/\s+/)];
  return flags.flatMap((flag, index) => {
    if (flag === '-C' || flag === '--conditions') return flags[index + 1] ?? [];
    return /^--conditions=(.+)$/.exec(flag)?.[1] ?? [];
  });
}
