/** The file system's answers, in the form that this package needs. */
import { closeSync, fsyncSync, openSync, statSync } from 'node:fs';

import { HubError } from './hub-error';

/**
 * @returns undefined where no file is, also below a file, or behind a link that leads nowhere
 * @throws HubError when the system does not let it be looked at
 */
export function fileBytes(path: string): number | undefined {
  try {
    const status = statSync(path, { throwIfNoEntry: false });
    return status?.isFile() === true ? status.size : undefined;
  } catch (error) {
    if (systemErrorCode(error) === 'ENOTDIR') return undefined;
    throw diskError(error, 'look at', path);
  }
}

/** @returns such as `ENOENT`, or undefined for what is no error of the system */
export function systemErrorCode(error: unknown): string | undefined {
  const { code, syscall } = Object(error) as NodeJS.ErrnoException;
  return typeof code === 'string' && syscall !== undefined ? code : undefined;
}

/**
 * @param action what was tried, to follow "Cannot", such as `read the token`
 * @returns a `HubError` for an error of the system; any other error as it came
 */
export function diskError(error: unknown, action: string, path: string): unknown {
  const code = systemErrorCode(error);
  if (code === undefined) return error;
  const advice = action === 'write' ? (ADVICE[code] ?? '') : '';
  return new HubError(`Cannot ${action} '${path}': ${(error as Error).message}${advice}`, {
    cause: error,
  });
}

const FREE_SPACE = '; free some space, or set HF_HUB_CACHE to a folder on another disk';
const OTHER_FOLDER = '; check who owns it, or set HF_HUB_CACHE to another folder';
const ADVICE: Readonly<Record<string, string>> = {
  ENOSPC: FREE_SPACE,
  EDQUOT: FREE_SPACE,
  EACCES: OTHER_FOLDER,
  EPERM: OTHER_FOLDER,
  EROFS: OTHER_FOLDER,
};

/** Makes a rename last through a power cut, where the platform lets a folder be opened. */
export function syncFolder(folder: string): void {
  if (process.platform === 'win32') return;
  const descriptor = openSync(folder, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
