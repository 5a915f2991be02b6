export type NativeTensorflowErrorKind =
  | 'platform'
  | 'python'
  | 'network'
  | 'hash'
  | 'archive'
  | 'compiler'
  | 'disk'
  | 'load'
  | 'backend'
  | 'cluster';

/** What went wrong with the native library or the choice of a backend, in one sentence a user can act on. */
export class NativeTensorflowError extends Error {
  override readonly name: string = 'NativeTensorflowError';

  constructor(
    readonly kind: NativeTensorflowErrorKind,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** The system's code of an error (`ENOENT`, `ENOSPC`, …), or undefined. */
export function errorCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/** Turns an error of the file system into a sentence; our own errors pass as they are. */
export function describeInstallError(error: unknown, folder: string): NativeTensorflowError {
  if (error instanceof NativeTensorflowError) return error;
  const code = errorCode(error);
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new NativeTensorflowError(
      'disk',
      `The disk is full: the native library needs about 1.3 GB (once) in ${folder}; free some space or set LOOP_DIFFUSION_CACHE to a folder on another disk.`,
      { cause: error },
    );
  }
  if (code !== undefined && isUnwritable(code, error)) {
    return new NativeTensorflowError(
      'disk',
      `The cache folder ${folder} cannot be written (${code}); set LOOP_DIFFUSION_CACHE to a folder that can.`,
      { cause: error },
    );
  }
  const message = error instanceof Error ? error.message : String(error);
  return new NativeTensorflowError('load', `Installing the native library failed: ${message}`, {
    cause: error,
  });
}

function isUnwritable(code: string, error: unknown): boolean {
  if (['EACCES', 'EPERM', 'EROFS', 'ENOTDIR', 'EEXIST'].includes(code)) return true;
  // What Node says when it cannot make a folder inside one that is read-only.
  return code === 'ENOENT' && (error as NodeJS.ErrnoException).syscall === 'mkdir';
}
