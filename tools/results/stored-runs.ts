/** What reports are made from, of all runs of a study or a search, in one small file. */
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { brotliCompressSync, brotliDecompressSync, constants } from 'node:zlib';

/** A run's configuration and what it recorded, and what a search decided. */
const KEPT = ['config.yaml', 'events.jsonl', 'search.json'];
/** Of a run, these hold such files of their own. */
const LEFT_OUT = ['checkpoints', 'adapter', 'samples', 'tensorboard', 'pilots'];

/**
 * @param folder of the study or search
 * @param out file that is written
 * @returns how many files it holds
 */
export function storeRuns(folder: string, out: string): number {
  const files: Record<string, string> = {};
  const visit = (path: string): void => {
    for (const name of readdirSync(path).sort()) {
      const inner = join(path, name);
      if (statSync(inner).isDirectory()) {
        if (!LEFT_OUT.includes(name)) visit(inner);
      } else if (KEPT.includes(name)) {
        files[relative(folder, inner).split(sep).join('/')] = readFileSync(inner, 'utf8');
      }
    }
  };
  visit(folder);
  const text = Buffer.from(JSON.stringify(files));
  const params = {
    [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
    // Runs resemble each other, and lie megabytes apart.
    [constants.BROTLI_PARAM_LGWIN]: constants.BROTLI_MAX_WINDOW_BITS,
    [constants.BROTLI_PARAM_SIZE_HINT]: text.length,
  };
  writeFileSync(out, brotliCompressSync(text, { params }));
  return Object.keys(files).length;
}

/**
 * @param folder that the files are put into
 * @throws Error when a file would lie outside of it
 */
export function restoreRuns(stored: string, folder: string): void {
  const text = brotliDecompressSync(readFileSync(stored)).toString();
  const files = JSON.parse(text) as Record<string, string>;
  for (const [path, contents] of Object.entries(files)) {
    const file = resolve(folder, path);
    if (!file.startsWith(resolve(folder) + sep)) {
      throw new Error(`'${stored}' has a file outside of its folder: '${path}'.`);
    }
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, contents);
  }
}
