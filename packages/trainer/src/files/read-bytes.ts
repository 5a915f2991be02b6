/** Files with a limit on their size, whole or in parts. */
import { open } from 'node:fs/promises';

import type { OpenFile } from '@loop-diffusion/diffusion-models';

import { UserError } from '../user-error';
import { asUserError } from './system-errors';

export interface BoundedFile {
  /** What the file is, for messages, such as `prompt file`. */
  readonly what: string;
  readonly maximumBytes: number;
}

/** @throws UserError when it is missing, not a file, or larger than the limit */
export async function readBytes(path: string, options: BoundedFile): Promise<Uint8Array> {
  const file = await openBytes(path, options);
  try {
    return await file.read(0, file.size);
  } finally {
    await file.close();
  }
}

/**
 * Opens a file to read parts of it, each into memory of its own.
 *
 * @throws UserError when it is missing, not a file, or larger than the limit; its `read` when the file ends before the part
 */
export async function openBytes(path: string, options: BoundedFile): Promise<OpenFile> {
  const action = `read the ${options.what}`;
  const naming = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      throw asUserError(error, action, path);
    }
  };
  const file = await naming(() => open(path, 'r'));
  try {
    const { size } = await naming(async () => {
      const status = await file.stat();
      if (!status.isFile()) {
        throw new UserError(`Cannot ${action} '${path}': it is not a file`);
      }
      if (status.size > options.maximumBytes) {
        throw new UserError(
          `Cannot ${action} '${path}': it has ${inMebibytes(status.size)}, and at most ${inMebibytes(options.maximumBytes)} are read`,
        );
      }
      return status;
    });
    return {
      size,
      read: (begin, end) =>
        naming(async () => {
          // An own buffer: readFile may return a view into a shared pool, whose offset need not be a multiple of 4.
          const bytes = new Uint8Array(end - begin);
          let filled = 0;
          while (filled < bytes.length) {
            const length = Math.min(bytes.length - filled, CHUNK_BYTES);
            const { bytesRead } = await file.read(bytes, filled, length, begin + filled);
            if (bytesRead === 0) {
              throw new UserError(
                `Cannot ${action} '${path}': it became shorter while it was read`,
              );
            }
            filled += bytesRead;
          }
          return bytes;
        }),
      close: () => file.close(),
    };
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** One read call takes at most 2 GiB on Linux. */
const CHUNK_BYTES = 1024 ** 3;

function inMebibytes(bytes: number): string {
  const mebibytes = bytes / 1024 ** 2;
  return `${mebibytes < 10 ? mebibytes.toFixed(1) : mebibytes.toFixed(0)} MiB`;
}
