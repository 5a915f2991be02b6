import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FileReader } from '../types';

/** A folder of fixtures. */
export function folderReader(folder: string): FileReader {
  return {
    name: folder,
    exists: (path) => Promise.resolve(existsSync(join(folder, path))),
    read: (path) => Promise.resolve(new Uint8Array(readFileSync(join(folder, path)))),
  };
}
