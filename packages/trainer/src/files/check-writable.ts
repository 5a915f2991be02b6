/** Finding out before the work whether its result can be written. */
import { mkdtempSync, rmdirSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

import { UserError } from '../user-error';
import { fileStatus } from './file-status';
import { asUserError } from './system-errors';

/**
 * Tries to make something in the folder, or in the nearest one above it that exists: asking for permissions alone is
 * wrong for root, read-only mounts and access lists. Leaves nothing behind.
 * @throws UserError when files could not be made in the folder
 */
export function checkWritable(folder: string): void {
  let existing = resolve(folder);
  for (;;) {
    const status = fileStatus(existing);
    if (status?.isDirectory() === true) break;
    if (status !== undefined) {
      throw new UserError(`Cannot write into '${folder}': '${existing}' is a file, not a folder`);
    }
    existing = dirname(existing);
  }
  try {
    rmdirSync(mkdtempSync(join(existing, '.loop-diffusion-')));
  } catch (error) {
    throw asUserError(error, 'write into', folder);
  }
}
