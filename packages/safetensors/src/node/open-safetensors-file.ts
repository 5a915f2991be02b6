import { open } from 'node:fs/promises';
import { openSafetensors, SafetensorsError, type OpenSafetensors } from '../index';

/** A file on the disk of which the header has been read and checked; tensors are read as they are asked for. */
export interface OpenSafetensorsFile extends OpenSafetensors {
  close(): Promise<void>;
}

/**
 * Opens a safetensors file on the disk as {@link openSafetensors} does: no more of it is in memory than the header and the
 * tensors that are read, each into memory of its own.
 *
 * @throws SafetensorsError that names the file, when it is malformed or became shorter; what `node:fs` throws when it cannot be
 *   read. Nothing stays open then.
 */
export async function openSafetensorsFile(path: string): Promise<OpenSafetensorsFile> {
  const file = await open(path, 'r');
  const naming = async <Result>(work: () => Promise<Result>): Promise<Result> => {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof SafetensorsError)) throw error;
      throw new SafetensorsError(`'${path}': ${error.message}`, { cause: error });
    }
  };
  const read = async (begin: number, end: number): Promise<Uint8Array> => {
    const bytes = new Uint8Array(end - begin);
    let filled = 0;
    while (filled < bytes.length) {
      const length = Math.min(bytes.length - filled, LARGEST_READ);
      const { bytesRead } = await file.read(bytes, filled, length, begin + filled);
      // The file ends here, though it was longer: who asked sees that bytes are missing.
      if (bytesRead === 0) return bytes.subarray(0, filled);
      filled += bytesRead;
    }
    return bytes;
  };
  try {
    const { size } = await file.stat();
    const parsed = await naming(() => openSafetensors({ size, read }));
    return {
      ...parsed,
      read: (name) => naming(() => parsed.read(name)),
      close: () => file.close(),
    };
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** One read call takes at most 2 GiB on Linux. */
const LARGEST_READ = 1024 ** 3;
