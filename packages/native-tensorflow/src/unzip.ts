import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createInflateRaw } from 'node:zlib';
import { openPromise, type Entry, type ZipFile } from 'yauzl';
import { errorCode, NativeTensorflowError } from './errors';

/** Large pieces: with the streams' default of 64 KB, most of the time goes into passing them on. */
const chunkSize = 1 << 20;

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
    zip = await openPromise(archive, { lazyEntries: true, autoClose: false });
    const entries = await listEntries(zip);
    const written: string[] = [];
    for (const entry of entries) {
      if (entry.fileName.endsWith('/') || !wanted(entry.fileName)) continue;
      await extract(archive, zip, entry, join(folder, entry.fileName));
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

function listEntries(zip: ZipFile): Promise<Entry[]> {
  return new Promise((resolve, reject) => {
    const entries: Entry[] = [];
    zip.once('error', reject);
    zip.once('end', () => {
      resolve(entries);
    });
    zip.on('entry', (entry: Entry) => {
      entries.push(entry);
      zip.readEntry();
    });
    zip.readEntry();
  });
}

async function extract(archive: string, zip: ZipFile, entry: Entry, target: string): Promise<void> {
  if (entry.compressionMethod !== 0 && entry.compressionMethod !== 8) {
    throw new Error(
      `${entry.fileName} is compressed in a way (${entry.compressionMethod.toString()}) other than deflate`,
    );
  }
  await mkdir(dirname(target), { recursive: true });
  const { fileDataStart: start } = await zip.readLocalFileHeaderPromise(entry, { minimal: true });
  // Archives made on Unix keep the mode in the upper half; only whether a file may be executed matters here.
  const isExecutable = ((entry.externalFileAttributes >>> 16) & 0o111) !== 0;
  const output = createWriteStream(target, {
    highWaterMark: chunkSize,
    mode: isExecutable ? 0o755 : 0o644,
  });
  const end = start + entry.compressedSize - 1;
  const input =
    entry.compressedSize === 0
      ? Readable.from([])
      : createReadStream(archive, { start, end, highWaterMark: chunkSize });
  if (entry.compressionMethod === 0) await pipeline(input, output);
  else await pipeline(input, createInflateRaw({ chunkSize }), output);
  const { size } = await stat(target);
  if (size !== entry.uncompressedSize) {
    throw new Error(
      `${entry.fileName} has ${size.toString()} bytes instead of ${entry.uncompressedSize.toString()}`,
    );
  }
}
