/** Short names for runs. */
import { resolve, sep } from 'node:path';

import { UserError } from '../user-error';

/**
 * @param folders of the runs
 * @returns the name of each folder, with as many of those above it as tell it from the others
 * @throws UserError when a folder is given twice
 */
export function runNames(folders: readonly string[]): string[] {
  const paths = folders.map((folder) => resolve(folder).split(sep));
  return paths.map((path, index) => {
    const others = paths.filter((_, other) => other !== index);
    for (let length = 1; length <= path.length; length++) {
      const name = lastNames(path, length);
      if (!others.some((other) => lastNames(other, length) === name)) {
        return name.replace(/\p{Cc}/gu, ' ');
      }
    }
    throw new UserError(`The run '${folders[index] ?? ''}' is given twice`);
  });
}

function lastNames(path: readonly string[], length: number): string {
  return path.slice(-length).join('/');
}
