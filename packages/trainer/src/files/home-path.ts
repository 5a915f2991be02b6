/** Paths as a shell would read them, where no shell has. */
import { homedir } from 'node:os';
import { join } from 'node:path';

import { UserError } from '../user-error';

/**
 * @param what gave the path, for the message, such as `output` or `--out`
 * @returns with the user's home in the place of a leading `~`
 * @throws UserError for another user's home, and for variables: a folder of that name is never meant
 */
export function homePath(path: string, what: string): string {
  if (path === '~') return homedir();
  if (/^~[/\\]/.test(path)) return join(homedir(), path.slice(2));
  if (/^~\w+([/\\]|$)/.test(path)) {
    throw new UserError(
      `${what} is '${path}', and homes of others are not looked up; write the path out`,
    );
  }
  if (/\$(\w|\{)/.test(path)) {
    throw new UserError(
      `${what} is '${path}', and variables are not filled in here; write the path out, or ~ for your home`,
    );
  }
  return path;
}
