import { existsSync, readdirSync } from 'node:fs';

import { UserError } from '../user-error';
import { checkWritable } from './check-writable';
import { fileStatus } from './file-status';

/**
 * For a command that fills the folder of its `--out`.
 * @throws UserError when the folder holds anything, or cannot be written into
 */
export function checkOutputFolder(folder: string): void {
  checkWritable(folder);
  if (existsSync(folder) && readdirSync(folder).length > 0) {
    throw new UserError(`The output folder '${folder}' is not empty; name another with --out`);
  }
}

/** @throws UserError when something is there under this name */
export function checkNewFile(file: string): void {
  if (fileStatus(file) === undefined) return;
  throw new UserError(`'${file}' exists already and is never overwritten; name another file`);
}
