/** A folder of scores, one small file each, that several processes may use at once. */
import { createHash, randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import type { RewardScore } from '../reward';

/** What a file takes of a disk, whatever its length. */
const BLOCK = 4096;
/** After a clean-up there is room for a while. */
const KEPT_SHARE = 0.9;
/** A temporary file as old as this was left behind by a process that ended. */
const LEFTOVER_MS = 3_600_000;

/**
 * `ab/abcdef….json` holds the score with key `abcdef…`: the SHA-256 of the key and the rest, and the rest, which is JSON.
 * A file is written under another name and renamed, so that it is there whole or not at all; one that is damaged none the
 * less is taken for one that is not there.
 */
export class ScoreFolder {
  /** Bytes in the folder as far as this process knows; counted before the first write. */
  #bytes: number | undefined;
  #cleaning: Promise<void> | undefined;

  constructor(
    readonly folder: string,
    readonly maximumBytes: number,
  ) {
    if (!(maximumBytes >= BLOCK)) {
      throw new RangeError(
        `"maximumBytes" is ${maximumBytes}; expected at least ${BLOCK}, one score.`,
      );
    }
    mkdirSync(folder, { recursive: true });
  }

  async read(key: string): Promise<RewardScore | undefined> {
    try {
      return parseScore(key, await readFile(this.#path(key), 'utf8'));
    } catch {
      return undefined;
    }
  }

  /** A score that cannot be kept, as on a full disk, is asked for again: no reason to fail. */
  async write(key: string, { value, components }: RewardScore): Promise<void> {
    const path = this.#path(key);
    const temporary = `${path}.${randomUUID()}.tmp`;
    try {
      await mkdir(join(path, '..'), { recursive: true });
      const text = JSON.stringify({ value, components });
      await writeFile(temporary, `${checksum(key, text)} ${text}\n`);
      await rename(temporary, path);
      await this.#makeRoom();
    } catch {
      await rm(temporary, { force: true }).catch(() => {});
    }
  }

  #path(key: string): string {
    return join(this.folder, key.slice(0, 2), `${key}.json`);
  }

  async #makeRoom(): Promise<void> {
    if (this.#bytes !== undefined) {
      this.#bytes += BLOCK;
      if (this.#bytes <= this.maximumBytes) return;
    }
    // Whoever comes meanwhile waits for the same count, in which their file may be missing: the next one finds it.
    this.#cleaning ??= this.#removeOldest().finally(() => (this.#cleaning = undefined));
    await this.#cleaning;
  }

  async #removeOldest(): Promise<void> {
    const files = await this.#list();
    let bytes = files.reduce((sum, file) => sum + file.bytes, 0);
    if (bytes > this.maximumBytes) {
      files.sort((one, other) => one.time - other.time);
      for (const { path, bytes: freed } of files) {
        if (bytes <= this.maximumBytes * KEPT_SHARE) break;
        // Another process may have removed it.
        await rm(path, { force: true });
        bytes -= freed;
      }
    }
    this.#bytes = bytes;
  }

  async #list(): Promise<{ path: string; bytes: number; time: number }[]> {
    const files: { path: string; bytes: number; time: number }[] = [];
    for (const folder of await readdir(this.folder)) {
      if (!/^[0-9a-f]{2}$/.test(folder)) continue;
      for (const name of await readdir(join(this.folder, folder))) {
        const path = join(this.folder, folder, name);
        const found = await stat(path).catch(() => undefined);
        if (found === undefined) continue;
        const { size, mtimeMs } = found;
        if (name.endsWith('.tmp') && Date.now() - mtimeMs > LEFTOVER_MS) {
          await rm(path, { force: true });
        } else if (name.endsWith('.json')) {
          files.push({ path, bytes: Math.ceil(size / BLOCK) * BLOCK, time: mtimeMs });
        }
      }
    }
    return files;
  }
}

function checksum(key: string, text: string): string {
  return createHash('sha256').update(key).update(text).digest('hex');
}

function parseScore(key: string, contents: string): RewardScore | undefined {
  const text = contents.slice(65, -1);
  if (contents !== `${checksum(key, text)} ${text}\n`) return undefined;
  const { value, components } = JSON.parse(text) as Omit<RewardScore, 'ok'>;
  return components === undefined ? { ok: true, value } : { ok: true, value, components };
}
