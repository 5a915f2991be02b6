/** Whole files with a limit on their size. */
import { open } from 'node:fs/promises';

import { asUserError } from './system-errors';
import { UserError } from '../user-error';

/**
 * @param options.what what the file is, for messages, such as `prompt file`
 * @throws UserError when it is missing, not a file, or larger than the limit
 */
export async function readBytes(
  path: string,
  options: { what: string; maximumBytes: number },
): Promise<Uint8Array> {
  const action = `read the ${options.what}`;
  try {
    const file = await open(path, 'r');
    try {
      const { size } = await file.stat();
      if (!(await file.stat()).isFile()) {
        throw new UserError(`Cannot ${action} '${path}': it is not a file`);
      }
      if (size > options.maximumBytes) {
        throw new UserError(
          `Cannot ${action} '${path}': it has ${inMebibytes(size)}, and at most ${inMebibytes(options.maximumBytes)} are read`,
        );
      }
      // An own buffer: readFile may return a view into a shared pool, whose offset need not be a multiple of 4.
      const bytes = new Uint8Array(size);
      let filled = 0;
      while (filled < size) {
        const { bytesRead } = await file.read(
          bytes,
          filled,
          Math.min(size - filled, CHUNK_BYTES),
          filled,
        );
        if (bytesRead === 0) {
          throw new UserError(`Cannot ${action} '${path}': it became shorter while it was read`);
        }
        filled += bytesRead;
      }
      return bytes;
    } finally {
      await file.close();
    }
  } catch (error) {
    throw asUserError(error, action, path);
  }
}

/** One read call takes at most 2 GiB on Linux. */
const CHUNK_BYTES = 1024 ** 3;

function inMebibytes(bytes: number): string {
  const mebibytes = bytes / 1024 ** 2;
  return `${mebibytes < 10 ? mebibytes.toFixed(1) : mebibytes.toFixed(0)} MiB`;
}
