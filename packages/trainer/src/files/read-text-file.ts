/** UTF-8 text files. */
import { UserError } from '../user-error';
import { readBytes } from './read-bytes';

/** @throws UserError when the file cannot be read, is too large or is not UTF-8 */
export async function readTextFile(
  path: string,
  options: { what: string; maximumBytes: number },
): Promise<string> {
  const bytes = await readBytes(path, options);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new UserError(
      `Cannot read the ${options.what} '${path}': it is not a text in UTF-8; is it another kind of file?`,
    );
  }
}
