/** Whether something is there, and what. */
import { statSync, type Stats } from 'node:fs';

import { asUserError, systemErrorCode } from './system-errors';

/**
 * @returns undefined where nothing is, also below a file
 * @throws UserError when the system does not let it be looked at
 */
export function fileStatus(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch (error) {
    if (systemErrorCode(error) === 'ENOTDIR') return undefined;
    throw asUserError(error, 'look at', path);
  }
}
