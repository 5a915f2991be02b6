/** Where an editor finds the JSON Schema of a configuration file. */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { pathToFileURL } from 'node:url';

import { TRAINER } from '../files/package-version';

const SCHEMA = join('dist', 'config.schema.json');

/**
 * @param folder of the configuration file
 * @param own the schema of the package that runs, for a folder where none is installed
 * @returns a path relative to it, through `node_modules` where the package is installed in or above the folder, so that
 *   it survives updates and moves; a file URL where a path would have letters that end it in a comment
 */
export function schemaPathFrom(folder: string, own = ownSchema()): string {
  const from = resolve(folder);
  const schema = installedSchema(from) ?? own;
  const path = relative(from, schema).split(sep).join('/');
  if (/[\s#]/.test(path)) return pathToFileURL(schema).href;
  return path.startsWith('.') ? path : `./${path}`;
}

function installedSchema(folder: string): string | undefined {
  for (let current = folder; ; current = dirname(current)) {
    const candidate = join(current, 'node_modules', TRAINER, SCHEMA);
    if (existsSync(candidate)) return candidate;
    if (dirname(current) === current) return undefined;
  }
}

function ownSchema(): string {
  const manifest = createRequire(import.meta.url).resolve(`${TRAINER}/package.json`);
  return join(dirname(manifest), SCHEMA);
}
