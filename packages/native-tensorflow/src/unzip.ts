import { createWriteStream } from 'node:fs';
import { mkdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createInflateRaw } from 'node:zlib';
import { openPromise, type Entry, type ZipFile } from 'yauzl';
import { errorCode, NativeTensorflowError } from './errors';

/** Large pieces: with the streams' default of 16 to 64 KB, most of the time goes into passing them on. */
const chunkSize = 1 << 20;

const deflated = 8;

/**
 * Unpacks those files of a zip archive that `wanted` picks into `folder`, under their own paths (yauzl refuses absolute
 * ones and `..`).
 * @returns the paths written
 * @throws NativeTensorflowError when the archive is broken or cut off
 */
export async function unzip(
  archive: string,
  folder: string,
  wanted: (path: string) => boolean,
): Promise<string[]> {
  let zip: ZipFile | undefined;
  try {
    zip = await openPromise(archive, { autoClose: false });
    const written: string[] = [];
    for await (const entry of zip.eachEntry()) {
      if (entry.fileName.endsWith('/') || !wanted(entry.fileName)) continue;
      await extract(zip, entry, join(folder, entry.fileName));
      written.push(entry.fileName);
    }
    return written;
  } catch (error) {
    const code = errorCode(error);
    if (code?.startsWith('E') === true) throw error;
    const message = error instanceof Error ? error.message : String(error);
    throw new NativeTensorflowError('archive', `${archive} is not a whole archive: ${message}`, {
      cause: error,
    });
  } finally {
    zip?.close();
  }
}

async function extract(zip: ZipFile, entry: Entry, target: string): Promise<void> {
  await mkdir(dirname(target), { recursive: true });
  // Archives made on Unix keep the mode in the upper half; only whether a file may be executed matters here.
  const isExecutable = ((entry.externalFileAttributes >>> 16) & 0o111) !== 0;
  const output = createWriteStream(target, {
    highWaterMark: chunkSize,
    mode: isExecutable ? 0o755 : 0o644,
  });
  if (entry.compressionMethod === deflated) {
    // Inflated here, in pieces larger than yauzl's own: in half the time.
    const input = await zip.openReadStreamPromise(entry, { decodeFileData: false });
    await pipeline(input, createInflateRaw({ chunkSize }), output);
  } else await pipeline(await zip.openReadStreamPromise(entry), output);
  const { size } = await stat(target);
  if (size !== entry.uncompressedSize) {
    throw new Error(
      `${entry.fileName} has ${size.toString()} bytes instead of ${entry.uncompressedSize.toString()}`,
    );
  }
}
