/** What the operating system refused, as a sentence for the user. */
import { UserError } from '../user-error';

/**
 * @param action what was tried, to follow "Cannot", such as `read the prompt file`
 * @returns a `UserError` for a system error; any other error as it came
 */
export function asUserError(error: unknown, action: string, path: string): unknown {
  const code = systemErrorCode(error);
  if (code === undefined) return error;
  return new UserError(`Cannot ${action} '${path}': ${reason(code, error)}`, { cause: error });
}

export function systemErrorCode(error: unknown): string | undefined {
  if (!(error instanceof Error) && !isErrorOfAnotherRealm(error)) return undefined;
  const { code, syscall } = error as NodeJS.ErrnoException;
  return typeof code === 'string' && (syscall !== undefined || code in REASONS) ? code : undefined;
}

function isErrorOfAnotherRealm(error: unknown): error is Error {
  return Object.prototype.toString.call(error) === '[object Error]';
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'it does not exist',
  EACCES: 'permission was denied; check who owns it',
  EPERM: 'permission was denied; check who owns it',
  EROFS: 'the file system is read-only',
  EISDIR: 'it is a folder, not a file',
  ENOTDIR: 'a part of its path is a file, not a folder',
  ENOSPC: 'no space is left on the disk; free some and run again',
  EDQUOT: 'the disk quota is used up; free some space and run again',
  EFBIG: 'the file would be larger than the file system allows',
  EMFILE: 'too many files are open',
  ENAMETOOLONG: 'its name is too long for the file system',
  ELOOP: 'its symbolic links go in a circle',
  EIO: 'the disk reported an error',
};

function reason(code: string, error: unknown): string {
  return REASONS[code] ?? (error instanceof Error ? error.message : code);
}
