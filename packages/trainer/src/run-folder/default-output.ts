import { basename, extname } from 'node:path';

/** Where the run of a configuration goes that names no folder. */
export function defaultOutput(configFile: string): string {
  return `runs/${basename(configFile, extname(configFile))}`;
}
